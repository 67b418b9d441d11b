import type { MemoryRoom } from './memory-room';

interface Link {
  readonly room: MemoryRoom;
  /** Counts activities of public rooms: the higher the later. */
  number: number;
  newer: Link | undefined;
  older: Link | undefined;
}

/** Public rooms by activity: what happens in one moves it to the front in O(1). */
export class PublicRooms {
  private readonly links = new Map<string, Link>();
  private newest: Link | undefined;
  private count = 0;

  /** Takes a room in, if it is public. */
  set(room: MemoryRoom): void {
    if (room.type === 'public') {
      const link = { room, number: 0, newer: undefined, older: undefined };
      this.links.set(room.id, link);
      this.putFirst(link);
    }
  }

  /** Something happened in a room. */
  touch(room: MemoryRoom): void {
    const link = this.links.get(room.id);
    if (link && link !== this.newest) {
      this.unlink(link);
      this.putFirst(link);
    }
  }

  delete(roomId: string): void {
    const link = this.links.get(roomId);
    if (link) {
      this.unlink(link);
      this.links.delete(roomId);
    }
  }

  /**
   * Rooms, newest activity first, behind the one that had this activity. That one is where the reader left off: it is
   * found at once where it has not moved since, and else by walking.
   */
  *behind(after: { roomId: string; number: number } | undefined): Generator<{ room: MemoryRoom; number: number }> {
    const last = after && this.links.get(after.roomId);
    let link = last && last.number === after.number ? last : this.newest;
    while (after && link && link.number >= after.number) {
      link = link.older;
    }
    for (; link; link = link.older) {
      yield link;
    }
  }

  private putFirst(link: Link): void {
    link.number = ++this.count;
    link.newer = undefined;
    link.older = this.newest;
    if (this.newest) {
      this.newest.newer = link;
    }
    this.newest = link;
  }

  private unlink(link: Link): void {
    if (link.newer) {
      link.newer.older = link.older;
    } else {
      this.newest = link.older;
    }
    if (link.older) {
      link.older.newer = link.newer;
    }
  }
}
