// Socket.IO rooms of this server. Each name has a prefix, so that no value from a client names a socket or another's
// room.

/** All sockets of a user. */
export const userRoom = (userId: string): string => `u:${userId}`;
/** Sockets that joined a conversation. */
export const joinedRoom = (roomId: string): string => `r:${roomId}`;
/** Sockets that left a conversation which they would otherwise hear as its members. */
export const leftRoom = (roomId: string): string => `x:${roomId}`;
/** Sockets that want every room of their user, those that are opened later too. */
export const ALL_ROOMS = 'a:';
/** Sockets whose join of a conversation is under way. */
export const heldRoom = (roomId: string): string => `h:${roomId}`;
