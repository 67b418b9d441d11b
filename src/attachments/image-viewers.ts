import type { Awaitable } from '../common/awaitable';
import type { Identity } from '../common/identity';
import type { AttachmentReference } from './attachment-store';

/** Says whom an image is shown to; provided by what shows images, so that nothing here knows a room. */
export abstract class ImageViewers {
  /** Whether what the reference stands for shows the image now, to whomever: a link that was signed for it is good. */
  abstract isShown(filename: string, reference: AttachmentReference): Awaitable<boolean>;

  /**
   * Whether one of the references is a message that shows the image to this user right now: they are a recipient or the
   * sender, it is not concealed from them, it is not gone. `references` are the living ones, of all kinds.
   */
  abstract mayView(
    identity: Identity,
    filename: string,
    references: readonly AttachmentReference[],
  ): Awaitable<boolean>;
}
