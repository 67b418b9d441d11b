import { GATEWAY_METADATA, MESSAGE_METADATA } from '@nestjs/websockets/constants';
import { EVENT_OPTIONS, GATEWAY_OPTIONS } from '../src/realtime/gateway.decorator';
import { sourceClasses } from './support/source-classes';

const classes = sourceClasses(/Gateway\(|SubscribeMessage/);
const gateways = classes.filter((one) => Reflect.getMetadata(GATEWAY_METADATA, one) === true);

/** Gateways of anonymous namespaces: the contract has two such namespaces. */
const ANONYMOUS = ['GhostGateway', 'SessionsGateway'];

const methodsOf = (one: object): [string, object][] =>
  Object.entries(Object.getOwnPropertyDescriptors((one as { prototype: object }).prototype)).flatMap(
    ([name, { value }]) => (typeof value === 'function' ? [[name, value as object] as [string, object]] : []),
  );

describe('every gateway of the server', () => {
  it('is found', () => {
    expect(gateways.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['AuthGateway', 'ChatGateway', 'PresenceGateway']),
    );
  });

  it('is a RealtimeGateway: its events run through the dispatcher, which checks identity, payload and rate', () => {
    expect(gateways.filter((one) => !Reflect.hasMetadata(GATEWAY_OPTIONS, one))).toEqual([]);
  });

  it('names a namespace, which the handshake protects', () => {
    for (const one of gateways) {
      expect(Reflect.getMetadata(GATEWAY_OPTIONS, one)).toMatchObject({ namespace: expect.stringMatching(/^\//) });
    }
  });

  it('lets nobody in without a token but where that is the point', () => {
    const anonymous = gateways.filter(
      (one) => (Reflect.getMetadata(GATEWAY_OPTIONS, one) as { anonymous?: true }).anonymous,
    );
    expect(anonymous.map(({ name }) => name).filter((name) => !ANONYMOUS.includes(name))).toEqual([]);
  });

  it('says of each event what it costs, and only gateways have events', () => {
    for (const one of classes) {
      for (const [name, method] of methodsOf(one)) {
        if (Reflect.hasMetadata(MESSAGE_METADATA, method)) {
          expect([one.name, name, gateways.includes(one)]).toEqual([one.name, name, true]);
          expect(Reflect.getMetadata(EVENT_OPTIONS, method)).toMatchObject({
            cost: expect.stringMatching(/^(create|other|signal)$/),
            summary: expect.stringMatching(/\.$/),
          });
        }
      }
    }
  });
});
