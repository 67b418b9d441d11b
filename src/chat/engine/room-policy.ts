import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config';
import { isDirectRoomId, isGhostRoomId, type RoomSettings, type RoomType } from './room';
import type { MembershipLimits } from './membership-feed';
import type { AppendLimits } from './room-feed';

/** What the kinds of rooms differ in; plain data, so that the engine names no kind. */
export interface RoomPolicy {
  /** Who hears a room's events: every socket of its members, or only those that joined. */
  readonly audience: 'members' | 'joined';
  /**
   * When a room goes: once every member has left it, or it has been empty for the grace; at once when nobody is in it
   * and nothing else; by somebody's hand only.
   */
  readonly wipe: 'left' | 'empty' | 'never';
  readonly defaults: RoomSettings;
  readonly limits: AppendLimits;
}

/** Members of a room that is none of a direct one, unless its settings say otherwise (rooms.md). */
const DEFAULT_MAX_MEMBERS = 100;

/** Lifetime of a message in an anonymous room that asks for none, seconds (ghost.md). */
export const GHOST_TTL_S = 86_400;

@Injectable()
export class RoomPolicies {
  /** Whether rooms may keep their history. */
  readonly allowHistory: boolean;
  readonly memberships: MembershipLimits;
  private readonly policies: Record<RoomType, RoomPolicy>;

  constructor({ env }: AppConfig) {
    const limits: AppendLimits = {
      messagesPerRoom: env.MAX_MESSAGES_PER_ROOM,
      totalBytes: env.MESSAGES_MAX_BYTES,
      maxLifetimeMs: env.MESSAGE_MAX_LIFETIME_S * 1000,
    };
    const defaults: RoomSettings = {
      maxMembers: Math.min(DEFAULT_MAX_MEMBERS, env.MAX_MEMBERS_PER_ROOM),
      messageTtl: Math.max(1, Math.round(env.MESSAGE_TTL_MS / 1000)),
      allowFileSharing: true,
      moderationEnabled: false,
      slowModeSeconds: 0,
      encrypted: false,
    };
    this.allowHistory = env.ALLOW_HISTORY;
    this.memberships = {
      roomsPerUser: env.MAX_ROOMS_PER_USER,
      membersPerRoom: env.MAX_MEMBERS_PER_ROOM,
      messages: limits,
    };
    const group: RoomPolicy = { audience: 'joined', wipe: 'never', defaults, limits };
    this.policies = {
      direct: { audience: 'members', wipe: 'left', defaults: { ...defaults, maxMembers: 2 }, limits },
      public: group,
      private: group,
      ghost: {
        audience: 'joined',
        wipe: 'empty',
        defaults: { ...defaults, messageTtl: GHOST_TTL_S },
        limits: { ...limits, anonymousBytes: env.MESSAGES_MAX_BYTES / 2 },
      },
    };
  }

  of(type: RoomType): RoomPolicy {
    return this.policies[type];
  }

  /** The policy of a room of which only the id is at hand: what the kinds of rooms with such ids have in common. */
  byId(roomId: string): RoomPolicy {
    if (isDirectRoomId(roomId)) {
      return this.policies.direct;
    }
    return isGhostRoomId(roomId) ? this.policies.ghost : this.policies.private;
  }
}
