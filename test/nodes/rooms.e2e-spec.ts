import { describeRedis } from '../support/redis-server';
import type { TestClient } from '../support/clients';
import { until } from '../support/until';
import {
  contents,
  oneTo,
  type Person,
  roomOf,
  say,
  seqs,
  socketOf,
  told,
  type TestNodes,
  useNodes,
} from './test-nodes';

const EACH = 40;

describeRedis('Rooms over three nodes', (server) => {
  const nodes = useNodes(server, 3, { BURN_DELAY_MS: '1000' });
  let alice: Person;
  let bob: Person;
  let roomId: string;

  const begin = async (): Promise<TestNodes> => {
    alice = await nodes().person('alice', 0, 1, 2);
    bob = await nodes().person('bob', 1, 2);
    roomId = roomOf(alice, bob);
    return nodes();
  };

  it('bring the same messages in the same order to every socket, once', async () => {
    await begin();
    const everyone = [...alice.clients, ...bob.clients];
    await Promise.all(
      everyone.map(async (client, i) => {
        for (let n = 0; n < EACH; n++) {
          await say(client, roomId, `${i} ${n}`, { clientId: `${i} ${n}` });
        }
      }),
    );
    const all = EACH * everyone.length;
    await until(() => everyone.every((client) => contents(client, roomId).length >= all));
    await Promise.all(everyone.map((client) => client.settle()));
    for (const client of everyone) {
      expect(seqs(told(client, 'message:new', roomId))).toEqual(oneTo(all));
      expect(contents(client, roomId)).toEqual(contents(socketOf(alice), roomId));
    }
    const { body } = await nodes().api(bob, 0, 'get', `chat/rooms/${roomId}/messages?limit=200`).expect(200);
    expect(seqs(body.messages)).toEqual(oneTo(all));
  });

  it('take a repeated send for one, whichever node gets the repeat', async () => {
    await begin();
    const acks = await Promise.all(
      [...alice.clients, ...alice.clients].map((client) => say(client, roomId, 'once', { clientId: 'c' })),
    );
    expect(new Set(acks.map(({ messageId }) => messageId)).size).toBe(1);
    expect(acks.filter(({ duplicate }) => duplicate !== true)).toHaveLength(1);
    await say(socketOf(alice), roomId, 'last');
    await until(() => bob.clients.every((client) => contents(client, roomId).length === 2));
    expect(contents(socketOf(bob), roomId)).toEqual(['once', 'last']);
  });

  it('hand a burn message out to one of a hundred reveals at once, and burn it everywhere', async () => {
    await begin();
    const { messageId } = await say(socketOf(alice), roomId, 'needle', { burn: true });
    const bobs = [...bob.clients, await nodes().connect(bob, 0)];
    const acks = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        (bobs[i % bobs.length] as TestClient).emit('message:reveal', { roomId, messageId, revealId: `r${i}` }),
      ),
    );
    const revealed = acks.filter(({ success }) => success);
    expect(revealed).toHaveLength(1);
    expect(revealed[0]).toMatchObject({ message: { content: 'needle' } });
    const others = acks.filter(({ success }) => !success);
    expect(new Set(others.map(({ code }) => code))).toEqual(new Set(['ConflictError']));
    expect(JSON.stringify(others)).not.toContain('needle');
    for (const client of [...alice.clients, ...bob.clients]) {
      const { messageIds } = await client.next('message:expired', ({ reason }) => reason === 'burned');
      expect(messageIds).toEqual([messageId]);
    }
    for (const client of bobs) {
      expect(JSON.stringify(told(client, 'message:new', roomId))).not.toContain('needle');
    }
  });

  it('tell of what is done to them: opening, joining, receipts, settings, keys, the end', async () => {
    await begin();
    const [first, second] = [socketOf(alice), socketOf(bob)];
    await first.emit('room:join', { roomId, publicKey: 'of alice' });
    await second.next('room:created');
    await second.next('user:joined', ({ userId }) => userId === alice.id);
    await second.next('room:keys', ({ publicKey }) => publicKey === 'of alice');
    const { messageId } = await say(first, roomId, 'hello');
    await second.next('message:new');
    await second.emit('message:status', { roomId, messageId, status: 'seen' });
    for (const client of alice.clients) {
      await client.next('message:statusUpdated', (payload) => payload.messageId === messageId);
    }
    await nodes()
      .api(bob, 2, 'patch', `chat/rooms/${roomId}`)
      .send({ settings: { messageTtl: 60 } })
      .expect(200);
    await first.next('room:updated');
    await socketOf(bob, 1).emit('typing:start', { roomId });
    await first.next('typing:indicator', ({ userId, isTyping }) => userId === bob.id && isTyping === true);
    await first.emit('room:leave', { roomId });
    await second.next('user:left', ({ userId }) => userId === alice.id);
    await nodes().api(alice, 1, 'delete', `chat/rooms/${roomId}`).expect(204);
    for (const client of [...alice.clients, ...bob.clients]) {
      await client.next('room:closed', ({ reason }) => reason === 'deleted');
      expect(told(client, 'room:closed', roomId)).toHaveLength(1);
    }
  });

  it('go on after they were wiped, with all that comes then', async () => {
    await begin();
    for (let life = 1; life <= 3; life++) {
      for (let n = 0; n < 5; n++) {
        await say(alice.clients[n % 3] ?? socketOf(alice), roomId, `${life}`);
      }
      await nodes()
        .api(bob, life % 3, 'delete', `chat/rooms/${roomId}`)
        .expect(204);
    }
    await say(socketOf(alice), roomId, 'last');
    for (const client of [...alice.clients, ...bob.clients]) {
      await client.next('message:new', ({ content }) => content === 'last');
      expect(contents(client, roomId)).toEqual(['1', '2', '3'].flatMap((life) => Array(5).fill(life)).concat('last'));
      expect(told(client, 'room:closed', roomId)).toHaveLength(3);
    }
  });

  it('resume on another node where they were left on one', async () => {
    const service = await begin();
    const [first, second] = [socketOf(alice), socketOf(bob)];
    const joined = await second.emit('room:join', { roomId });
    await say(first, roomId, 'one');
    await second.next('message:new');
    second.close();
    await say(first, roomId, 'two');
    await say(first, roomId, 'three');
    const back = await service.connect(bob, 0);
    const resumed = await back.emit('room:join', { roomId, since: 1, epoch: joined.epoch });
    expect(resumed).toMatchObject({ success: true, gap: false, live: [[1, 1]], lastSeq: 3 });
    expect((resumed.messages as { content: string }[]).map(({ content }) => content)).toEqual(['two', 'three']);
  });

  it('tell of an expiry everywhere, once and in time', async () => {
    await begin();
    const everyone = [...alice.clients, ...bob.clients];
    const sent = await Promise.all(
      oneTo(20).map((n) => say(everyone[n % everyone.length] ?? socketOf(alice), roomId, `${n}`, { ttl: 1 })),
    );
    const lateness: number[] = [];
    for (const client of everyone) {
      client.socket.on('message:expired', ({ messageIds }: { messageIds: string[] }) => {
        for (const id of messageIds) {
          const message = sent.find(({ messageId }) => messageId === id);
          lateness.push(Date.now() - Date.parse(String(message?.expiresAt)));
        }
      });
    }
    await until(() => lateness.length >= sent.length * everyone.length);
    for (const client of everyone) {
      const ids = told(client, 'message:expired', roomId).flatMap(({ messageIds }) => messageIds as string[]);
      expect(ids.sort()).toEqual(sent.map(({ messageId }) => messageId).sort());
    }
    expect(Math.min(...lateness)).toBeGreaterThanOrEqual(-5);
    expect(Math.max(...lateness)).toBeLessThan(250);
  });

  it('lose, double and reorder nothing for those who join under load', async () => {
    const service = await begin();
    const [sender] = alice.clients as [(typeof alice.clients)[0]];
    let stop = false;
    let sent = 0;
    const flood = (async () => {
      while (!stop) {
        await Promise.all(Array.from({ length: 8 }, () => say(sender, roomId, 'x').then(({ seq }) => (sent = seq))));
      }
    })();
    const joins = await Promise.all(
      [0, 1, 2, 1, 2, 0].map(async (node) => {
        const client = await service.connect(bob, node);
        // What comes before the ack of a join is not counted from.
        const ack = await new Promise<{ lastSeq: number; messages: { seq: number }[]; from: number }>((resolve) => {
          client.socket.emit('room:join', { roomId, since: 0, epoch: 'none' }, (body: never) =>
            resolve(Object.assign(body, { from: client.all('message:new').length })),
          );
        });
        return { client, ack };
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    stop = true;
    await flood;
    for (const { client, ack } of joins) {
      await client.next('message:new', ({ seq }) => seq === sent);
      const after = seqs(client.all('message:new')).slice(ack.from);
      expect(after).toEqual(oneTo(sent).slice(ack.lastSeq));
    }
    expect(sent).toBeGreaterThan(50);
  });
});
