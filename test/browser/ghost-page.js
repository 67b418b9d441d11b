const query = new URLSearchParams(location.search);
const [base, roomToken, agentId] = [query.get('base'), query.get('room'), query.get('name')];
const element = (id) => document.getElementById(id);
const keyBytes = Uint8Array.from(atob(location.hash.slice(1)), (c) => c.charCodeAt(0));
const key = crypto.subtle.importKey('raw', keyBytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
const people = [];
let messages = [];

const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
async function encrypt(text) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await key, new TextEncoder().encode(text));
  return encode(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}
async function decrypt(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const open = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: bytes.slice(0, 12) }, await key, bytes.slice(12));
  return new TextDecoder().decode(open);
}

function banner(text) {
  element('banner').textContent = text;
  element('banner').hidden = false;
}

async function render() {
  const shown = await Promise.all(
    messages.map(async (message) => {
      const item = document.createElement('li');
      item.dataset.id = message.id;
      if (message.type === 'image') {
        const image = document.createElement('img');
        image.src = base + message.imageData.imageUrl;
        item.append(`${message.sender}: `, image);
      } else {
        item.textContent = `${message.sender}: ${await decrypt(message.message)}`;
      }
      return item;
    }),
  );
  element('messages').replaceChildren(...shown);
  element('people').textContent = people.join(' ');
}

const socket = io(base, { forceNew: true });
socket.on('connect', () => {
  socket.emit('join-room', { roomToken, agentId });
  // Beside the join, with a header that makes it a preflight; what comes replaces the list.
  fetch(`${base}/api/room/${roomToken}/messages`, { headers: { 'Content-Type': 'application/json' } })
    .then((response) => (response.ok ? response.json() : Promise.reject(new Error(String(response.status)))))
    .then((history) => {
      messages = history.messages;
      document.body.dataset.loaded = 'yes';
      return render();
    })
    .catch((error) => banner(`history: ${error.message}`));
});
socket.on('room-joined', ({ participants }) => {
  people.splice(0, Infinity, ...participants);
  return render();
});
socket.on('participant-joined', ({ agentId: name }) => {
  people.push(name);
  return render();
});
socket.on('participant-left', ({ agentId: name }) => {
  people.splice(people.indexOf(name), 1);
  return render();
});
socket.on('new-message', (message) => {
  messages.push(message);
  return render();
});
socket.on('message-expired', ({ messageId }) => {
  messages = messages.filter(({ id }) => id !== messageId);
  return render();
});
socket.on('user-typing', ({ agentId: name }) => (element('typing').textContent = `${name} types`));
socket.on('user-stopped-typing', () => (element('typing').textContent = ''));
socket.on('error', () => banner('connection error'));
socket.on('connect_error', () => banner('connection error'));

element('text').addEventListener('input', () => socket.emit('typing', { roomToken }));
element('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const message = await encrypt(element('text').value);
  socket.emit('send-message', { roomToken, message, sender: agentId, ttl: element('burn').checked ? 0 : 86400 });
  element('text').value = '';
});
element('file').addEventListener('change', () => {
  const [file] = element('file').files;
  const reader = new FileReader();
  reader.onload = () => {
    const image = new Image();
    image.onload = () => {
      const dimensions = { width: image.naturalWidth, height: image.naturalHeight };
      const data = { id: `img_${Date.now()}`, name: file.name, data: reader.result, size: file.size };
      const imageData = { ...data, mimeType: file.type, dimensions, blob: file };
      socket.emit('send-image', { roomToken, imageData, caption: '', sender: agentId, ttl: 86400 });
    };
    image.src = reader.result;
  };
  reader.readAsDataURL(file);
});
