/** What the event reference says of events of `/ghost` beyond their summary. */

export const JOIN_GHOST_GUIDE = `
No account and no token in the handshake: the room's token is the key. A socket may be in 20 rooms, with one name in
each. \`room-joined\` follows; joining again is harmless, the others are not told of it.

A name that somebody in the room has is yours only with the \`rejoinKey\` that their \`room-joined\` brought, or when their
connection does not answer for two seconds: a reconnect. Nobody is told of either.`.trim();

export const SEND_GHOST_GUIDE = `
You must have joined; \`sender\` is your own name. With \`ttl: 0\` the message burns: \`BURN_DELAY_MS\` after somebody else
was sent it, it is gone. With nobody else there, it goes to the first who comes and stays for three seconds. It is in no
history.`.trim();

export const SEND_GHOST_IMAGE_GUIDE = `
As \`send-message\`, with a picture: as a base64 data URL in \`imageData.data\`, or as the \`filename\` of an upload that no
message shows yet (\`POST /api/upload-image\`). JPEG, PNG, GIF or WebP, as its bytes say; it is made anew in its own
format, without metadata. What the payload says of size, type and pixels is not believed, other fields (a binary
\`blob\`) are dropped. A picture as a data URL counts as an upload of your address too.`.trim();
