import { ApiProperty } from '@nestjs/swagger';

/** The form of an upload. */
export class ImageFormDto {
  @ApiProperty({ type: 'string', format: 'binary', description: 'A JPEG, PNG, WebP or GIF image.' })
  image: unknown;
}

export class AvatarDto {
  @ApiProperty({
    example:
      'https://chat.example.com/api/images/5f3c9a1be07d42c68a90b1f2.webp?exp=1893456000000&sig=avatar_5f3c9a1be07d42c68a90b1f2.Zm9vYmFy',
    description: 'Absolute and signed, for at most 24 hours: whoever has it may load the image while it is the avatar.',
  })
  avatarUrl: string;
}

export class UploadedImageDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ example: 'Image uploaded' })
  message: string;

  @ApiProperty({
    example: 'https://chat.example.com/api/images/5f3c9a1be07d42c68a90b1f2.webp?exp=1893456000000&sig=upload.Zm9vYmFy',
    description: 'Absolute and signed: whoever has it may load the image until it ends. Send it back in a message.',
  })
  imageUrl: string;

  @ApiProperty({ example: '5f3c9a1be07d42c68a90b1f2.webp' })
  filename: string;

  @ApiProperty({ type: 'integer', example: 1280, description: 'Pixels.' })
  width: number;

  @ApiProperty({ type: 'integer', example: 853, description: 'Pixels.' })
  height: number;

  @ApiProperty({ type: 'integer', example: 104_210, description: 'Bytes of the stored image.' })
  size: number;

  @ApiProperty({ example: 'image/webp' })
  mimeType: string;

  @ApiProperty({ example: '2030-01-01T13:00:00.000Z', description: 'When it goes, unless a message shows it by then.' })
  expiresAt: string;
}
