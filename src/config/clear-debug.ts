import { readEnvironment } from './env';

// Imported before socket.io: its parser prints contents where DEBUG asks for it.
if (readEnvironment().NODE_ENV === 'production') {
  delete process.env.DEBUG;
}
