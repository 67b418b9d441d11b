import request from 'supertest';
import { createApp } from '../support/create-app';
import { expectSnapshot } from '../support/snapshot';

it('the events are those that are committed (see test/support/snapshot.ts)', async () => {
  const { url, close } = await createApp();
  const { body } = await request(url).get('/api/asyncapi.json').expect(200);
  await close();
  expectSnapshot('asyncapi.json', body);
});
