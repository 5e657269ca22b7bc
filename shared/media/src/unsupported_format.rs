//! Formats that are recognized and not accepted.

/// Identifies a format that is not accepted. The message tells the person who sent the file how to convert it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsupportedFormat {
    /// HEIC or HEIF.
    #[error("HEIC is not supported. Export the image as JPEG and try again.")]
    Heic,
    /// AVIF.
    #[error("AVIF is not supported. Export the image as JPEG, PNG or WebP and try again.")]
    Avif,
    /// JPEG XL.
    #[error("JPEG XL is not supported. Export the image as JPEG, PNG or WebP and try again.")]
    JpegXl,
    /// GIF.
    #[error("GIF is not supported. Export a still image as PNG, or an animation as MP4, and try again.")]
    Gif,
    /// SVG, or other markup.
    #[error("SVG is not supported. Export the image as PNG and try again.")]
    Svg,
    /// PDF.
    #[error("PDF is not supported. Export the page as PNG or JPEG and try again.")]
    Pdf,
    /// TIFF, and the camera raw formats that are built on it.
    #[error("TIFF and camera raw files are not supported. Export the image as JPEG or PNG and try again.")]
    Tiff,
    /// BMP.
    #[error("BMP is not supported. Export the image as PNG and try again.")]
    Bmp,
    /// Matroska that is not WebM.
    #[error("Matroska (MKV) is not supported. Export the video as MP4 or WebM and try again.")]
    Matroska,
    /// AVI.
    #[error("AVI is not supported. Export the video as MP4 or WebM and try again.")]
    Avi,
    /// Audio without video.
    #[error("Audio files are not supported. Choose an image (JPEG, PNG or WebP) or a video (MP4 or WebM).")]
    Audio,
    /// A format that is not recognized.
    #[error("This file type is not supported. Use JPEG, PNG or WebP for images, MP4 or WebM for videos.")]
    Unknown,
}
