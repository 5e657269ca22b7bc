//! The pictures: three of ten are drawn here, the others are views of the files in a folder.

use std::path::{Path, PathBuf};

use image::DynamicImage;
use image::imageops::FilterType;

use crate::drawings;

/// Sizes that image models make.
const SIZES: [(u32, u32); 8] =
    [(1024, 1024), (1152, 896), (896, 1152), (1216, 832), (768, 768), (1344, 768), (832, 1216), (512, 512)];

/// A picture, before it is loaded.
pub(crate) struct Picture {
    pub(crate) name: String,
    size: (u32, u32),
    source: Source,
}

enum Source {
    Drawing(usize),
    /// The whole file, scaled to cover the size.
    Whole(PathBuf),
    /// A part of the file with the pixels as they are, if it is large enough.
    Part(PathBuf),
}

/// Chooses the pictures. The same folder gives the same pictures.
pub(crate) fn collect(folder: Option<&Path>, count: usize) -> Vec<Picture> {
    let mut files: Vec<PathBuf> = folder
        .and_then(|folder| std::fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| image::ImageFormat::from_path(path).is_ok())
        .collect();
    files.sort();
    let mut pictures = Vec::new();
    let drawn = if files.is_empty() { count } else { count * 3 / 10 };
    let size = |at: usize| SIZES[at % SIZES.len()];
    for at in 0..drawn {
        let name = format!("drawing {at} ({})", drawings::kind(at));
        pictures.push(Picture { name, size: size(at + at / SIZES.len()), source: Source::Drawing(at) });
    }
    let views = files.iter().map(|file| (file, false)).chain(files.iter().map(|file| (file, true)));
    for (at, (file, is_part)) in views.take(count - drawn).enumerate() {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let (name, source) = if is_part {
            (format!("{stem}, part"), Source::Part(file.clone()))
        } else {
            (stem.into_owned(), Source::Whole(file.clone()))
        };
        pictures.push(Picture { name, size: size(at), source });
    }
    pictures
}

impl Picture {
    pub(crate) fn load(&self) -> DynamicImage {
        let (width, height) = self.size;
        let open = |path| DynamicImage::ImageRgb8(image::open(path).expect("the folder has pictures only").to_rgb8());
        match &self.source {
            Source::Drawing(at) => drawings::draw(*at, width, height).into(),
            Source::Whole(path) => open(path).resize_to_fill(width, height, FilterType::Lanczos3),
            Source::Part(path) => {
                let image = open(path);
                let room = |whole: u32, part: u32| whole.saturating_sub(part) / 3;
                if image.width() < width || image.height() < height {
                    return image.resize_to_fill(width, height, FilterType::Lanczos3).fliph();
                }
                image.crop_imm(room(image.width(), width), room(image.height(), height), width, height)
            }
        }
    }
}
