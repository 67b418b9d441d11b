import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigError } from '../config/env';
import { provideStore } from '../storage/provide-store';
import { UsersModule } from '../users/users.module';
import { UsersService } from '../users/users.service';
import { AttachmentStore } from './attachment-store';
import { AttachmentsService } from './attachments.service';
import { BlobStore } from './blob-store';
import { DiskBlobStore } from './disk-blob.store';
import { ImageProcessor } from './image-processor';
import { AvatarsController } from './avatars.controller';
import { AvatarsService } from './avatars.service';
import { ImagesController } from './images.controller';
import { ImagesService } from './images.service';
import { LinksModule } from './links.module';
import { MemoryAttachmentStore } from './memory-attachment.store';
import { RedisAttachmentStore } from './redis-attachment.store';
import { Scratch } from './scratch';
import { UploadsJob } from './uploads-job.service';
import { WorkerProgram } from './worker-process';

/** Below what shows attachments, which registers itself with `ImagesService.addViewers`. */
@Module({
  imports: [UsersModule, LinksModule],
  controllers: [ImagesController, AvatarsController],
  providers: [
    provideStore(AttachmentStore, { memory: MemoryAttachmentStore, redis: RedisAttachmentStore }),
    { provide: BlobStore, useClass: DiskBlobStore },
    Scratch,
    WorkerProgram,
    ImageProcessor,
    AttachmentsService,
    ImagesService,
    AvatarsService,
    UploadsJob,
  ],
  exports: [AttachmentsService, ImagesService, LinksModule, Scratch, UploadsJob],
})
export class AttachmentsModule implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly attachments: AttachmentsService,
    private readonly blobs: BlobStore,
    private readonly scratch: Scratch,
  ) {}

  async onModuleInit(): Promise<void> {
    this.users.onErase((userId) => this.attachments.eraseOwned(userId));
    try {
      await this.scratch.prepare();
      await this.blobs.prepare();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ConfigError(`UPLOAD_DIR cannot be written to (${code ?? 'unknown reason'})`);
    }
  }
}
