import { Module } from '@nestjs/common';
import { LinkSigner } from './link-signer';

/** Signed links alone, for what shows images and is below the rest of the attachments. */
@Module({ providers: [LinkSigner], exports: [LinkSigner] })
export class LinksModule {}
