/**
 * A record is a header of fixed fields, then `clientId`, content and the rare rest as UTF-8. Where the fields are: f64 and
 * u32 in numbers of their kind, others in bytes. `const`, so that what runs for every message has the numbers in it.
 */
export const enum Field {
  /** f64, epoch ms. */
  CreatedAt = 0,
  /** f64, epoch ms; 0 keeps the message. */
  Deadline = 1,
  /** f64, epoch ms of the last change (of status, by edit, deletion or reaction). */
  ChangedAt = 2,
  /** f64, hash of sender and clientId; 0 without one. */
  DedupeKey = 3,
  /** u32. */
  Seq = 8,
  /** u32, index into the room's people. */
  Sender = 9,
  /** u32, bytes. */
  ContentLength = 10,
  /** u32, bytes. */
  ExtraLength = 11,
  /** 12 bytes, the random part of the id. */
  RandomId = 48,
  /** u8, index into `MESSAGE_TYPES`. */
  Type = 60,
  /** u8, index into `MESSAGE_STATUSES`. */
  Status = 61,
  /** u8, bits of `Flag`. */
  Flags = 62,
  /** u8, bytes. */
  ClientIdLength = 63,
  /** u32, ms from its creation until it was delivered, and one; 0 before. */
  DeliveredAfter = 16,
  /** u32, the same until it was seen. */
  SeenAfter = 17,
  HeaderEnd = 72,
}

export const enum Flag {
  /** The message is gone, only what makes a repeat recognisable is left. */
  Husk = 1,
  Burn = 2,
  /** The deadline is the end of a burn message's countdown. */
  Burning = 4,
  /** It is not as it was sent: `ChangedAt` is when that came about. */
  Changed = 8,
}
