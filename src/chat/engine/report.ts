/** Reports that stand in a room, at most. */
export const MAX_REPORTS_PER_ROOM = 1000;
/** Of these, by one member. */
export const MAX_REPORTS_PER_MEMBER = 100;

/** What a member says is wrong with a message. It is gone with the message. */
export interface Report {
  readonly id: string;
  readonly messageId: string;
  readonly reporterId: string;
  readonly reason: string;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** A member wants to report a message. */
export interface ReportRequest {
  readonly roomId: string;
  readonly userId: string;
  readonly messageId: string;
  readonly reason: string;
}

export type Reported =
  | {
      readonly outcome: 'reported';
      /** The member's first report of the message, which stands. */
      readonly report: Report;
      /** Who is to be told: moderators and admins of this moment; nobody where the message was reported before. */
      readonly moderators: readonly string[];
    }
  /**
   * The room has no moderation; the message is the user's own, or of the system; the room, or the member, has as many
   * reports as it may.
   */
  | { readonly outcome: 'off' | 'own' | 'fixed' | 'full' | 'spent' };
