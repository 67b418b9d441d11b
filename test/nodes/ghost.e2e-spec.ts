import request from 'supertest';
import { enter, enterBy, type Ghost, ghostSocket, heard, history, whisper } from '../support/ghosts';
import { picture } from '../support/pictures';
import { describeRedis } from '../support/redis-server';
import { until } from '../support/until';
import { useNodes } from './test-nodes';

let rooms = 0;

describeRedis('Anonymous rooms over two nodes', (server) => {
  const nodes = useNodes(server, 2, { GHOST_JOINS_PER_MINUTE: '1000', BURN_DELAY_MS: '1000' });
  const opened: Ghost[] = [];
  let token: string;

  const join = async (node: number, agentId: string, more: object = {}): Promise<Ghost> => {
    const ghost = await enter(nodes().url(node), token, agentId, more);
    opened.push(ghost);
    return ghost;
  };
  const told = (ghost: Ghost, event: string): unknown[] =>
    heard(ghost).flatMap(([name, what]) => (name === event ? [what] : []));

  beforeEach(() => {
    token = `ROOM-${String(rooms++).padStart(4, '0')}`;
  });

  afterEach(() => opened.splice(0).forEach(({ client }) => client.close()));

  it('are one room: who is there, texts in one order, typing, leaving', async () => {
    const one = await join(0, 'Ghost-1');
    const two = await join(1, 'Ghost-2');
    expect([...two.participants].sort()).toEqual(['Ghost-1', 'Ghost-2']);
    await one.client.next('participant-joined');
    await Promise.all([one, two].map((ghost) => Promise.all([1, 2, 3, 4, 5].map((n) => whisper(ghost, `${n}`)))));
    await until(() => [one, two].every((ghost) => told(ghost, 'new-message').length === 10));
    expect(told(one, 'new-message')).toEqual(told(two, 'new-message'));
    expect(await history(nodes().url(0), token)).toEqual(await history(nodes().url(1), token));
    await one.client.emit('typing', { roomToken: token });
    expect(await two.client.next('user-typing')).toEqual({ agentId: 'Ghost-1' });
    two.client.close();
    expect(await one.client.next('participant-left')).toEqual({ agentId: 'Ghost-2' });
    const { body } = await request(nodes().url(1)).get(`/api/room/${token}/stats`).expect(200);
    expect(body).toMatchObject({ participantCount: 1, messageCount: 10 });
    one.client.close();
    // Messages live on, and the room with them.
    expect(await history(nodes().url(1), token)).toHaveLength(10);
  });

  it('give a name to one of two who want it at once, whichever node they are on', async () => {
    const clients = await Promise.all([0, 1, 0, 1].map((node) => ghostSocket(nodes().url(node))));
    const acks = await Promise.all(
      clients.map((client) => client.emit('join-room', { roomToken: token, agentId: 'Ghost-1' })),
    );
    expect(acks.filter(({ success }) => success)).toHaveLength(1);
    expect(new Set(acks.flatMap(({ code }) => code ?? []))).toEqual(new Set(['ConflictError']));
    clients.forEach((client) => client.close());
  });

  it('hand a name over with its key from node to node, silently', async () => {
    const witness = await join(0, 'witness');
    const before = await join(0, 'Ghost-1');
    const after = await join(1, 'Ghost-1', { rejoinKey: before.rejoinKey });
    await until(async () => {
      const payload = { roomToken: token, message: 'x', sender: 'Ghost-1' };
      return (await before.client.emit('send-message', payload)).code === 'AuthorizationError';
    });
    before.client.close();
    await whisper(after, 'me again');
    await witness.client.next('new-message', ({ message }) => message === 'me again');
    expect(told(witness, 'participant-joined')).toEqual(['Ghost-1']);
    expect(told(witness, 'participant-left')).toEqual([]);
  });

  it('ask the other node whether anybody is behind a socket, and take it over where nobody is', async () => {
    const witness = await join(1, 'witness');
    const lost = await join(1, 'Ghost-1');
    const other = await ghostSocket(nodes().url(0));
    const payload = { roomToken: token, agentId: 'Ghost-1' };
    expect(await other.emit('join-room', payload)).toMatchObject({ code: 'ConflictError' });
    jest.spyOn(lost.client.socket.io.engine as unknown as { _sendPacket(): void }, '_sendPacket').mockImplementation();
    expect((await enterBy(other, token, 'Ghost-1')).participants).toHaveLength(2);
    await witness.client.settle();
    expect(told(witness, 'participant-joined')).toEqual(['Ghost-1']);
    expect(told(witness, 'participant-left')).toEqual([]);
    other.close();
  });

  it('burn a message for everyone, and hand one that waits to whoever comes first, on any node', async () => {
    const one = await join(0, 'Ghost-1');
    const id = await whisper(one, 'wait for me', { ttl: 0 });
    const two = await join(1, 'Ghost-2');
    expect(await two.client.next('new-message')).toMatchObject({ id, message: 'wait for me', ttl: 0 });
    for (const ghost of [one, two]) {
      expect(await ghost.client.next('message-expired')).toEqual({ messageId: id });
    }
    const at = await whisper(two, 'now', { ttl: 0 });
    await one.client.next('new-message', (message) => message.id === at);
    await one.client.next('message-expired', ({ messageId }) => messageId === at);
    expect(await history(nodes().url(0), token)).toEqual([]);
  });

  it('end with the last who leaves, and count for all nodes', async () => {
    const one = await join(0, 'Ghost-1');
    const two = await join(1, 'Ghost-2');
    const stats = (node: number) => request(nodes().url(node)).get(`/api/room/${token}/stats`);
    await stats(0).expect(200);
    one.client.close();
    await two.client.next('participant-left');
    await stats(0).expect(200);
    await two.client.emit('leave-room', { roomToken: token });
    await until(async () => (await stats(0)).status === 404 && (await stats(1)).status === 404);
  });

  it('show a picture until it is deleted, on whichever node', async () => {
    const [one, two] = [await join(0, 'Ghost-1'), await join(1, 'Ghost-2')];
    const data = `data:image/png;base64,${(await picture(8, 8).png().toBuffer()).toString('base64')}`;
    const payload = { roomToken: token, imageData: { name: 'x', data }, sender: 'Ghost-1' };
    expect(await one.client.emit('send-image', payload)).toMatchObject({ success: true });
    const { imageData } = (await two.client.next('new-message')) as { imageData?: { imageUrl: string; id: string } };
    await request(nodes().url(0))
      .get(imageData?.imageUrl ?? '')
      .expect(200);
    await request(nodes().url(1)).delete(`/api/image/${imageData?.id}`).expect(200);
    await two.client.next('message-expired');
    await request(nodes().url(0))
      .get(imageData?.imageUrl ?? '')
      .expect(404);
  });
});
