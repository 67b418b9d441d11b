/** What the event reference says of events beyond their summary. */

export const JOIN_GUIDE = `
Not needed to send, nor to hear a direct room: joining is how you get what is in it, and how others see you there.

Without \`since\` the newest messages come. Those of the other that are still \`sent\` come as \`message:new\` once more
behind the ack: keep messages by \`id\` and nothing doubles.

To come back after an interruption, send \`since\`, \`epoch\` and \`sinceTime\`: \`lastSeq\`, \`epoch\` and \`serverTime\` of
your last join ack, \`since\` raised by each \`message:new\` after it. The ack then accounts for every number:

1. Drop every message that you hold and whose \`seq\` is in no range of \`live\`, those after \`since\` too.
2. Put in \`changed\`, then \`messages\`.
3. Remember \`lastSeq\`, \`epoch\` and \`serverTime\`.
4. \`more: true\`: there is more, join again right away with what you just remembered.
5. \`gap: true\`: the room counts anew or too much has changed. Drop everything; \`messages\` are the newest.
6. After \`room:closed\` or \`room:kicked\` drop everything and join without \`since\`; an ack with \`gap: false\` of a join
   that you sent before that goes on from what you no longer hold.
7. From an ack without \`more\`, or one without \`since\`, \`message:new\` goes on at \`lastSeq\` + 1 without a hole until
   the connection ends. One that comes before that ack must not raise \`since\`.`.trim();

export const LEAVE_GUIDE = `
A success for any room. A direct room is wiped once both have left it and no message in it is still \`sent\`; left means
that every connected socket of the user did, or that none has been connected for \`ROOM_EMPTY_GRACE_MS\`.`.trim();

export const SEND_GUIDE = `
A success means stored. If no ack comes, send the same again with the same \`clientId\`: while the message lives, and for
ten minutes at least, the answer is the first one with \`duplicate: true\`, and nobody sees it twice.

A picture is uploaded first (\`POST /api/images/upload\`); \`imageUrl\` is what that answered. Its file goes with the last
message that shows it.`.trim();

export const REVEAL_GUIDE = `
A message with \`concealed: true\` hands out its content once to each recipient; \`BURN_DELAY_MS\` later it is gone for
them (\`message:expired\`, reason \`burned\`), for all when the last one's time has run out. If no ack comes, ask again
with the same \`revealId\`. Only this makes a burn message \`seen\`.`.trim();

export const EDIT_GUIDE = `
While it lives, by its sender; not burn messages. Its deadline stays. The room gets \`message:edited\`, and what replies show
of it is the new text.`.trim();

export const DELETE_GUIDE = `
By its sender or a moderator. Text, reactions and what replies show of it are erased at once; a message of type \`deleted\` stands in its
place until its deadline, and counts in no count. Again, or after somebody else, it is a success without effect.`.trim();

export const REACT_GUIDE = `
At most 20 kinds a message, each once a user. What is so already is a success without effect, and nobody is told.`.trim();

export const STATUS_GUIDE = `
Name either one message or all up to a seq. Tell \`delivered\` when you have a message and \`seen\` when the person has.
What is gone, lower, repeated or your own is a success without effect.`.trim();

export const TYPING_GUIDE = `
On every keystroke if you like: the other is told once. It also ends with a send, a leave and the end of the socket.
`.trim();
