import { RoomEntry } from '../../../src/chat/room-entry';

/** BROKEN: leaves the sockets of a user who was kicked in the room. */
export class HospitableRoomEntry extends RoomEntry {
  override remove(): void {
    return;
  }
}
