import { readdirSync, readlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import type { Test as Call } from 'supertest';
import { AppConfig } from '../../src/config/app-config';
import { ExpiryService } from '../../src/expiry/expiry.service';
import { AttachmentsService } from '../../src/attachments/attachments.service';
import { AccountsApp, type Person } from './accounts-app';
import { picture } from './pictures';

export interface UploadedImage {
  readonly filename: string;
  /** Path and query of its `imageUrl`. */
  readonly link: string;
}

/** The complete application with a clock that is moved by hand, and a look into its folder of uploads. */
export class ImagesApp {
  private constructor(readonly accounts: AccountsApp) {}

  static async start(settings: Record<string, string> = {}): Promise<ImagesApp> {
    return new ImagesApp(await AccountsApp.start(settings));
  }

  get url(): string {
    const { port } = this.accounts.nest.getHttpServer().address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  get attachments(): AttachmentsService {
    return this.accounts.nest.get(AttachmentsService);
  }

  close(): Promise<void> {
    return this.accounts.close();
  }

  /** Lets time pass, hands out what became due, and waits until its files are deleted. */
  async pass(ms: number): Promise<void> {
    this.accounts.clock.advance(ms);
    await this.accounts.nest.get(ExpiryService).tick();
    await this.attachments.settled();
  }

  call(method: 'get' | 'post' | 'put' | 'delete', path: string, token?: string): Call {
    return this.accounts.call(method, path, token);
  }

  /** The upload of a file under the name that the client gives it. */
  post({ token }: { token?: string }, bytes: Buffer | string, name = 'photo.jpg', field = 'image'): Call {
    return this.call('post', '/api/images/upload', token).attach(field, Buffer.from(bytes), name);
  }

  /** Uploads a picture that is fine. */
  async upload(person: Person, bytes?: Buffer): Promise<UploadedImage> {
    const { body } = await this.post(person, bytes ?? (await picture(40, 30).jpeg().toBuffer())).expect(200);
    const { pathname, search } = new URL(body.imageUrl as string);
    return { filename: body.filename as string, link: pathname + search };
  }

  /** Files below `UPLOAD_DIR`, whatever folder they are in. */
  files(): string[] {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(this.folder, join(parentPath, name)));
  }

  /** Open files below `UPLOAD_DIR`. */
  descriptors(): string[] {
    return readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${fd}`);
        return path.startsWith(this.folder) ? path : [];
      } catch {
        return [];
      }
    });
  }

  get folder(): string {
    return this.accounts.nest.get(AppConfig).env.UPLOAD_DIR;
  }
}

/** Waits until something is true; says so by time-out where it never is. */
export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
