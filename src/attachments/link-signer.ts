import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Clock } from '../common/clock';
import { AppConfig } from '../config/app-config';
import { isBlobName } from './blob-store';

export const IMAGES_PATH = '/api/images';
/** The holder of a link that is good as long as the attachment lives: the one that its uploader gets. */
export const UPLOAD = 'upload';

/** No link outlives this, however long the message does (chat.md). */
const MAX_LINK_LIFE_MS = 86_400_000;
/** A forgery takes 2^127 tries. */
const MAC_BYTES = 16;
/** What goes before the first dot of a signature. */
const HOLDER = /^[A-Za-z0-9_-]{1,128}$/;
/** Epoch ms, as it is written in a link. */
const EXPIRY = /^[1-9]\d{0,15}$/;
/** Longest `imageUrl` that is looked at, in characters. */
const MAX_URL_LENGTH = 2048;

export interface LinkTerms {
  /** Who shows it: a reference's holder (a message's id), or `UPLOAD`. The link dies with it. */
  readonly for: string;
  /** When that ends, epoch ms; null: not by itself. A link ends after 24 hours at the latest. */
  readonly until: number | null;
}

/**
 * Links that open an attachment to whoever has them. A link names what it was signed for, and the signature covers
 * file, end and that: whether the holder still stands is for the attachment's record to say.
 */
@Injectable()
export class LinkSigner {
  private readonly key: Buffer;
  private origin: string | undefined;

  constructor(
    private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly host: HttpAdapterHost,
  ) {
    this.key = createHmac('sha256', config.jwtSecret).update('attachment-links').digest();
    this.origin = config.publicUrl;
  }

  /** An absolute address of the image, for one delivery. */
  sign(filename: string, { for: holder, until }: LinkTerms): string {
    const latest = this.clock.now() + MAX_LINK_LIFE_MS;
    const exp = String(Math.min(until ?? latest, latest));
    const mac = this.mac(filename, exp, holder).toString('base64url');
    return `${this.publicOrigin()}${IMAGES_PATH}/${filename}?exp=${exp}&sig=${holder}.${mac}`;
  }

  /**
   * Whom a link was signed for; undefined for one that has ended or was not made here for this file. The caller checks
   * that the holder still stands.
   */
  verify(filename: string, exp: unknown, sig: unknown): string | undefined {
    if (typeof exp !== 'string' || typeof sig !== 'string' || !EXPIRY.test(exp)) {
      return undefined;
    }
    const [holder = '', mac = '', ...rest] = sig.split('.', 3);
    if (!HOLDER.test(holder) || rest.length > 0) {
      return undefined;
    }
    const given = Buffer.from(mac, 'base64url');
    const expected = this.mac(filename, exp, holder);
    const good = given.length === expected.length && timingSafeEqual(given, expected);
    return good && Number(exp) > this.clock.now() ? holder : undefined;
  }

  /**
   * The filename in an `imageUrl` that a client sends back: one of ours, signed or not, whatever its origin, which may
   * have changed since; or a bare filename. Undefined for anything else.
   */
  filenameIn(imageUrl: string): string | undefined {
    if (imageUrl.length > MAX_URL_LENGTH) {
      return undefined;
    }
    const [path = ''] = imageUrl.split(/[?#]/, 1);
    const [, filename = path] = /^(?:https?:\/\/[^/]+(?:\/[^?#]*)?)?\/api\/images\/([^/]*)$/.exec(path) ?? [];
    return isBlobName(filename) ? filename : undefined;
  }

  private mac(filename: string, exp: string, holder: string): Buffer {
    return createHmac('sha256', this.key).update(`${filename}\n${exp}\n${holder}`).digest().subarray(0, MAC_BYTES);
  }

  /** `PUBLIC_URL`, else this machine: never what a request says of its host. */
  private publicOrigin(): string {
    if (this.origin !== undefined) {
      return this.origin;
    }
    const listening = this.host.httpAdapter?.getHttpServer()?.address() as AddressInfo | string | null | undefined;
    if (typeof listening !== 'object' || listening === null) {
      return `http://localhost:${this.config.env.PORT}`;
    }
    // PORT may be 0: then only the socket knows.
    this.origin = `http://localhost:${listening.port}`;
    return this.origin;
  }
}
