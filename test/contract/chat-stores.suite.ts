import type { MakeChatKit } from './chat-kit';
import { membershipContract } from './membership.suite';
import { messageStoreContract } from './message-store.suite';
import { roomClaimsContract } from './room-claims.suite';
import { roomBurnContract } from './room-burn.suite';
import { roomChangesContract } from './room-changes.suite';
import { roomDedupeContract } from './room-dedupe.suite';
import { roomExpiryContract } from './room-expiry.suite';
import { roomFeedContract } from './room-feed.suite';
import { roomImagesContract } from './room-images.suite';
import { roomOccupancyContract } from './room-occupancy.suite';
import { roomFollowingContract } from './room-following.suite';
import { roomReceiptsContract } from './room-receipts.suite';
import { roomNamesContract } from './room-names.suite';
import { roomReportsContract } from './room-reports.suite';
import { roomWatermarksContract } from './room-watermarks.suite';
import { roomStoreContract } from './room-store.suite';

/** What every driver of `RoomFeed`, `RoomStore` and `MessageStore` together promises. */
export function chatStoresContract(makeKit: MakeChatKit): void {
  describe('rooms and messages', () => roomFeedContract(makeKit));
  describe('repeats and caps', () => roomDedupeContract(makeKit));
  describe('who is there, keys, settings, the end', () => roomOccupancyContract(makeKit));
  describe('being who one claims to be', () => roomClaimsContract(makeKit));
  describe('receipts', () => roomReceiptsContract(makeKit));
  describe('expiry', () => roomExpiryContract(makeKit));
  describe('rooms heard by joining', () => roomFollowingContract(makeKit));
  describe('burn and lifetimes', () => roomBurnContract(makeKit));
  describe('edits, deletions, reactions, replies', () => roomChangesContract(makeKit));
  describe('names', () => roomNamesContract(makeKit));
  describe('reports', () => roomReportsContract(makeKit));
  describe('images', () => roomImagesContract(makeKit));
  describe('receipts in rooms of more than two', () => roomWatermarksContract(makeKit));
  describe('reading messages', () => messageStoreContract(makeKit));
  describe('members', () => membershipContract(makeKit));
  describe('reading rooms', () => roomStoreContract(makeKit));
}
