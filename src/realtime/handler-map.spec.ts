import { type CanActivate, Injectable, type Type, UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import { FakeSocket } from '../../test/support/fake-socket';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { Event, RealtimeGateway } from './gateway.decorator';
import { HandlerMap, type NamespaceHandlers } from './handler-map';
import type { MayflySocket } from './socket-session';

const OTHER = { cost: 'other', summary: 'Tries something.' } as const;

class CountDto {
  @IsInt()
  count!: number;
}

async function build(...gateways: Type<object>[]): Promise<NamespaceHandlers[]> {
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    providers: [HandlerMap, ...gateways],
  }).compile();
  return module.get(HandlerMap).build();
}

@RealtimeGateway({ namespace: '/one' })
class GoodGateway {
  readonly name = 'good';

  @SubscribeMessage('all')
  @Event(OTHER)
  all(@MessageBody() dto: CountDto, @CurrentUser() user: Identity, @ConnectedSocket() socket: MayflySocket): object {
    return { name: this.name, dto, userId: user.userId, socketId: socket.id };
  }

  @SubscribeMessage('two')
  @Event({ ...OTHER, cost: 'create' })
  two(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: CountDto): object {
    return { socketId: socket.id, dto };
  }

  @SubscribeMessage('none')
  @Event(OTHER)
  none(): object {
    return { name: this.name };
  }

  helper(): void {}
}

@RealtimeGateway({ namespace: '/one' })
class HookGateway extends GoodGateway {
  handleConnection(): void {}

  @SubscribeMessage('none')
  @Event(OTHER)
  override none(): object {
    return {};
  }
}

@RealtimeGateway({ namespace: '/two' })
class OtherGateway {
  @SubscribeMessage('none')
  @Event(OTHER)
  none(): object {
    return {};
  }
}

@RealtimeGateway({ namespace: '/one', anonymous: true })
class AnonymousGateway {
  @SubscribeMessage('enter')
  @Event({ ...OTHER, invalid: 'No such door' })
  enter(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: CountDto): object {
    return { socket, dto };
  }
}

@RealtimeGateway({ namespace: '/one' })
class LessAnonymousGateway {}

@RealtimeGateway({ namespace: '/', anonymous: true })
class AnonymousUser {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(@CurrentUser() user: Identity): object {
    return user;
  }
}

describe('the handler map', () => {
  it('composes each event of a gateway with what its method asks for', async () => {
    const [found] = await build(GoodGateway);
    expect([found?.namespace, [...(found?.handlers.keys() ?? [])].sort()]).toEqual(['/one', ['all', 'none', 'two']]);
    const alice = new FakeSocket('alice');
    const run = (event: string, payload: unknown): unknown => {
      const handler = found?.handlers.get(event);
      return handler?.invoke(alice.socket, handler.bind(payload));
    };
    const dto = { count: 1 };
    expect(run('all', { count: 1, more: 2 })).toEqual({ name: 'good', dto, userId: 'alice', socketId: alice.id });
    expect(run('two', dto)).toEqual({ socketId: alice.id, dto });
    expect(run('none', 'anything')).toEqual({ name: 'good' });
    expect(() => run('all', { count: 'x' })).toThrow('count must be an integer number');
    expect(found?.handlers.get('two')).toMatchObject({ event: 'two', options: { cost: 'create' }, dto: CountDto });
  });

  it('keeps namespaces apart, and finds who wants to know of connections', async () => {
    const found = await build(HookGateway, OtherGateway);
    expect(found.map(({ namespace, hooks }) => [namespace, hooks.length])).toEqual([
      ['/one', 1],
      ['/two', 0],
    ]);
    expect([...(found[0]?.handlers.keys() ?? [])].sort()).toEqual(['all', 'none', 'two']);
  });

  it('refuses two handlers of one event', async () => {
    await expect(build(GoodGateway, HookGateway)).rejects.toThrow('Two gateways handle');
  });

  it('knows which namespaces are anonymous, and words the refusal of a payload as its event says', async () => {
    const [found, other] = await build(AnonymousGateway, OtherGateway);
    expect([found?.anonymous, other?.anonymous]).toEqual([true, false]);
    const bind = found?.handlers.get('enter')?.bind;
    expect(bind?.({ count: 1 })).toEqual({ count: 1 });
    expect(() => bind?.({ count: 'x' })).toThrow('No such door');
    expect(() => bind?.(undefined)).toThrow('No such door');
  });

  it('refuses a namespace that is anonymous for one gateway and not for another', async () => {
    await expect(build(AnonymousGateway, LessAnonymousGateway)).rejects.toThrow('differ in whether it is anonymous');
    await expect(build(LessAnonymousGateway, AnonymousGateway)).rejects.toThrow('differ in whether it is anonymous');
  });

  it('serves no class that is merely a gateway of Nest', async () => {
    @WebSocketGateway({ namespace: '/bare' })
    class BareGateway {
      @SubscribeMessage('event')
      run(): object {
        return {};
      }
    }
    expect(await build(BareGateway)).toEqual([]);
  });
});

@Injectable()
class Guard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@RealtimeGateway({ namespace: '/' })
class WithoutEvent {
  @SubscribeMessage('event')
  run(@MessageBody() dto: CountDto): object {
    return dto;
  }
}

@RealtimeGateway({ namespace: '/' })
class WithInterface {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(@MessageBody() dto: { count: number }): object {
    return dto;
  }
}

@RealtimeGateway({ namespace: '/' })
class WithUnknown {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(@MessageBody() dto: unknown): object {
    return { dto };
  }
}

@RealtimeGateway({ namespace: '/' })
class WithString {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(@MessageBody() text: string): object {
    return { text };
  }
}

@RealtimeGateway({ namespace: '/' })
class WithArray {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(@MessageBody() list: CountDto[]): object {
    return list;
  }
}

@RealtimeGateway({ namespace: '/' })
class WithPickedField {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(@MessageBody('count') dto: CountDto): object {
    return dto;
  }
}

@RealtimeGateway({ namespace: '/' })
class WithPipe {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(@MessageBody(new ValidationPipe()) dto: CountDto): object {
    return dto;
  }
}

@RealtimeGateway({ namespace: '/' })
class WithBareParameter {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(_socket: MayflySocket, @MessageBody() dto: CountDto): object {
    return dto;
  }
}

@UseGuards(Guard)
@RealtimeGateway({ namespace: '/' })
class WithGuard {
  @SubscribeMessage('event')
  @Event(OTHER)
  run(): object {
    return {};
  }
}

@RealtimeGateway({ namespace: '/' })
class WithMethodPipe {
  @SubscribeMessage('event')
  @Event(OTHER)
  @UsePipes(ValidationPipe)
  run(@MessageBody() dto: CountDto): object {
    return dto;
  }
}

describe('a gateway is refused at the start that', () => {
  it.each<[string, Type<object>, string]>([
    ['says not what an event costs', WithoutEvent, 'WithoutEvent.run lacks @Event'],
    ['takes a payload by interface', WithInterface, 'WithInterface.run takes a payload without a DTO class'],
    ['takes any payload', WithUnknown, 'WithUnknown.run takes a payload without a DTO class'],
    ['takes a plain string', WithString, 'WithString.run takes a payload without a DTO class'],
    ['takes a list', WithArray, 'WithArray.run takes a payload without a DTO class'],
    [
      'picks one field out of the payload',
      WithPickedField,
      'WithPickedField.run has a parameter with a field or a pipe',
    ],
    ['has a pipe on its payload', WithPipe, 'WithPipe.run has a parameter with a field or a pipe'],
    ['has a parameter without a decorator', WithBareParameter, 'WithBareParameter.run has a parameter without'],
    ['asks an anonymous namespace for a user', AnonymousUser, 'AnonymousUser.run asks for a user'],
    ['relies on a guard', WithGuard, 'WithGuard.run has guards'],
    ['relies on a pipe', WithMethodPipe, 'WithMethodPipe.run has guards, pipes'],
  ])('%s', async (_what, gateway, message) => {
    await expect(build(gateway, Guard)).rejects.toThrow(message);
  });
});
