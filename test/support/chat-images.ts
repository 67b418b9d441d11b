import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import { picture } from './pictures';

/** Uploads a picture and gives its link, and its filename. */
export async function uploadImage(
  url: string,
  { token }: { token: string },
): Promise<{ imageUrl: string; filename: string }> {
  const bytes = await picture(20, 10).png().toBuffer();
  const call = request(url).post('/api/images/upload').set('Authorization', `Bearer ${token}`);
  const { body } = await call.attach('image', bytes, 'cat.png').expect(200);
  return { imageUrl: body.imageUrl as string, filename: body.filename as string };
}

/** The status with which a link, or the bare path of a file for somebody with a token, is answered. */
export async function loadImage(url: string, link: unknown, token?: string): Promise<number> {
  const { pathname, search } = new URL(String(link), url);
  const call = request(url).get(pathname + search);
  const { status } = await (token === undefined ? call : call.set('Authorization', `Bearer ${token}`));
  return status;
}

/** Names of the files that are stored. */
export function storedFiles(uploadDir: string): string[] {
  return readdirSync(join(uploadDir, 'blobs'));
}
