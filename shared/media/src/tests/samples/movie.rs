use crate::tests::canary::CANARY;
use openh264::encoder::Encoder;
use openh264::formats::{RgbSliceU8, YUVBuffer};

const WIDTH: u16 = 64;
const HEIGHT: u16 = 48;
const FRAMES: u8 = 3;

/// A time that reads `CANARY!!`, over creation and modification.
const CANARY_TIMES: [u32; 2] = [0x4341_4E41, 0x5259_2121];

fn mp4_box(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes(), &kind[..], &body].concat()
}

/// A box with version and flags.
fn full_box(kind: &[u8; 4], flags: u32, words: &[u32], rest: &[u8]) -> Vec<u8> {
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    mp4_box(kind, &[&flags.to_be_bytes(), &words, rest])
}

/// The NAL units of each coded frame; parameter sets come with the first.
fn coded_frames() -> Vec<Vec<Vec<u8>>> {
    let mut encoder = Encoder::new().unwrap();
    let code = |shade: u8| {
        let [width, height] = [WIDTH, HEIGHT].map(usize::from);
        let rgb: Vec<u8> = (0..width * height).flat_map(|_| [shade * 60, 200 - shade * 60, 90]).collect();
        let yuv = YUVBuffer::from_rgb8_source(RgbSliceU8::new(&rgb, (width, height)));
        split_annex_b(&encoder.encode(&yuv).unwrap().to_vec())
    };
    (0..FRAMES).map(code).collect()
}

fn split_annex_b(stream: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> = (0..stream.len()).filter(|at| stream[*at..].starts_with(&[0, 0, 0, 1])).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts.iter().zip(ends).map(|(start, end)| stream[start + 4..end].to_vec()).collect()
}

fn nal_type(unit: &[u8]) -> u8 {
    unit[0] & 0x1F
}

struct Coded {
    avcc: Vec<u8>,
    samples: Vec<Vec<u8>>,
}

fn coded() -> Coded {
    let frames = coded_frames();
    let set = |kind| frames[0].iter().find(|unit| nal_type(unit) == kind).unwrap().clone();
    let (sps, pps) = (set(7), set(8));
    let length = |unit: &[u8]| u16::try_from(unit.len()).unwrap().to_be_bytes();
    let record =
        [&[1, sps[1], sps[2], sps[3], 0xFF, 0xE1], &length(&sps)[..], &sps, &[1], &length(&pps), &pps].concat();
    let sample = |units: &Vec<Vec<u8>>| {
        let slices = units.iter().filter(|unit| matches!(nal_type(unit), 1 | 5));
        slices.flat_map(|unit| [&u32::try_from(unit.len()).unwrap().to_be_bytes()[..], unit].concat()).collect()
    };
    Coded { avcc: mp4_box(b"avcC", &[&record]), samples: frames.iter().map(sample).collect() }
}

fn sample_entry(codec: &[u8; 4], avcc: &[u8]) -> Vec<u8> {
    let mut fields = vec![0; 78];
    fields[7] = 1;
    fields[12..16].copy_from_slice(b"CANA");
    fields[24..26].copy_from_slice(&WIDTH.to_be_bytes());
    fields[26..28].copy_from_slice(&HEIGHT.to_be_bytes());
    fields[42..49].copy_from_slice(b"\x06CANARY");
    // QuickTime closes the list with four zero bytes.
    let entry = mp4_box(codec, &[&fields, avcc, &mp4_box(b"uuid", &[CANARY]), &[0; 4]]);
    full_box(b"stsd", 0, &[1], &entry)
}

/// To be shown a quarter turn clockwise.
fn track_header(id: u32) -> Vec<u8> {
    let one = 0x1_0000_u32;
    let turned = [0, one, 0, one.wrapping_neg(), 0, 0, u32::from(HEIGHT) * one, 0, 0x4000_0000];
    let sides = [u32::from(WIDTH) * one, u32::from(HEIGHT) * one];
    full_box(b"tkhd", 3, &[&CANARY_TIMES[..], &[id, 0, 300, 0, 0, 0, 0], &turned, &sides].concat(), &[])
}

fn handler(kind: &[u8; 4]) -> Vec<u8> {
    mp4_box(b"hdlr", &[&[0; 8], kind, b"CANA\0\0\0\0\0\0\0\0", b"CANARY\0"])
}

fn udta() -> Vec<u8> {
    mp4_box(b"udta", &[&mp4_box(b"\xA9xyz", &[b"\0\x06\x15\xC7CANARY"]), &[0; 4]])
}

/// Where a track's samples are. Each run is a first chunk and the number of samples in chunks from there on.
struct Table<'a> {
    samples: &'a [Vec<u8>],
    runs: &'a [[u32; 2]],
    offsets: &'a [u32],
}

fn track(id: u32, kind: &[u8; 4], description: &[u8], table: &Table<'_>) -> Vec<u8> {
    let number = |count: usize| u32::try_from(count).unwrap();
    let count = number(table.samples.len());
    let sizes: Vec<u32> = table.samples.iter().map(|sample| number(sample.len())).collect();
    let runs: Vec<u32> = table.runs.iter().flat_map(|[first, samples]| [*first, *samples, 1]).collect();
    let stbl = mp4_box(
        b"stbl",
        &[
            description,
            &full_box(b"stts", 0, &[1, count, 100], &[]),
            &full_box(b"stsc", 0, &[&[number(table.runs.len())], &runs[..]].concat(), &[]),
            &full_box(b"stsz", 0, &[&[0, count], &sizes[..]].concat(), &[]),
            &full_box(b"stco", 0, &[&[number(table.offsets.len())], table.offsets].concat(), &[]),
        ],
    );
    let dinf = mp4_box(b"dinf", &[&full_box(b"dref", 0, &[1], &full_box(b"url ", 1, &[], CANARY))]);
    let minf = mp4_box(b"minf", &[&full_box(b"vmhd", 1, &[0, 0], &[]), &dinf, &stbl]);
    let mdhd = full_box(b"mdhd", 0, &[&CANARY_TIMES[..], &[1000, 300, 0]].concat(), &[]);
    let mdia = mp4_box(b"mdia", &[&mdhd, &handler(kind), &minf]);
    mp4_box(b"trak", &[&track_header(id), &mdia, &mp4_box(b"meta", &[CANARY]), &udta()])
}

fn movie_header(duration: u32) -> Vec<u8> {
    full_box(b"mvhd", 0, &[&CANARY_TIMES[..], &[1000, duration]].concat(), &[0; 80])
}

fn file_type() -> Vec<u8> {
    mp4_box(b"ftyp", &[b"isom\0\0\x02\0isomavc1"])
}

/// Three frames in H.264, with a telemetry track between them.
pub(in crate::tests) fn mp4() -> Vec<u8> {
    mp4_with_codec(b"avc1")
}

/// The same, with the video's sample description named otherwise.
pub(in crate::tests) fn mp4_with_codec(codec: &[u8; 4]) -> Vec<u8> {
    let Coded { avcc, samples } = coded();
    let telemetry = [b"GPS CANARY".to_vec(), CANARY.to_vec()];
    let build = |base: usize| {
        let mut data = b"CANARY in a gap".to_vec();
        let mut place = |part: &[u8]| {
            let at = u32::try_from(base + data.len()).unwrap();
            data.extend(part);
            at
        };
        let first = place(&samples[..2].concat());
        let gps = [place(&telemetry[0]), place(&telemetry[1])];
        let last = place(&samples[2]);
        place(CANARY);
        let video = Table { samples: &samples, runs: &[[1, 2], [2, 1]], offsets: &[first, last] };
        let gps = Table { samples: &telemetry, runs: &[[1, 1]], offsets: &gps };
        let text = full_box(b"stsd", 0, &[1], &mp4_box(b"gpmd", &[CANARY]));
        let tracks = [track(1, b"vide", &sample_entry(codec, &avcc), &video), track(2, b"meta", &text, &gps)];
        let moov = [&movie_header(300)[..], &tracks.concat(), &udta(), &mp4_box(b"meta", &[CANARY])];
        (mp4_box(b"moov", &moov), data)
    };
    let before = [file_type(), mp4_box(b"free", &[CANARY])].concat();
    let (moov, data) = build(before.len() + build(0).0.len() + 8);
    let uuid = mp4_box(b"uuid", &[&[7; 16], CANARY]);
    [before, moov, mp4_box(b"mdat", &[&data]), uuid, mp4_box(b"XTRA", &[CANARY])].concat()
}

/// The same frames in two fragments, of 200 and 150 ms; `extra` is the handler of a second, empty track.
pub(in crate::tests) fn fragmented_mp4(extra: Option<&[u8; 4]>) -> Vec<u8> {
    let Coded { avcc, samples } = coded();
    let empty = Table { samples: &[], runs: &[], offsets: &[] };
    let video = track(1, b"vide", &sample_entry(b"avc1", &avcc), &empty);
    let other = extra.map(|kind| track(2, kind, &full_box(b"stsd", 0, &[0], &[]), &empty)).unwrap_or_default();
    let mvex = mp4_box(b"mvex", &[&full_box(b"trex", 0, &[1, 1, 100, 0, 0], &[])]);
    let moov = mp4_box(b"moov", &[&movie_header(0), &video, &other, &mvex, &udta()]);
    let fragment = |number: u32, samples: &[Vec<u8>]| {
        let sizes = samples.iter().map(|sample| u32::try_from(sample.len()).unwrap());
        // The first fragment has sizes only and leaves durations to `trex`.
        let (flags, fields): (u32, Vec<u32>) =
            if number == 1 { (0x200, sizes.collect()) } else { (0x300, sizes.flat_map(|size| [150, size]).collect()) };
        let count = u32::try_from(samples.len()).unwrap();
        let trun = full_box(b"trun", flags, &[&[count], &fields[..]].concat(), &[]);
        let traf = mp4_box(b"traf", &[&full_box(b"tfhd", 0x2_0000, &[1], &[]), &trun, &mp4_box(b"uuid", &[CANARY])]);
        let moof = mp4_box(b"moof", &[&full_box(b"mfhd", 0, &[number], &[]), &traf]);
        [mp4_box(b"emsg", &[CANARY]), moof, mp4_box(b"mdat", &[&samples.concat()])].concat()
    };
    [file_type(), moov, fragment(1, &samples[..2]), fragment(2, &samples[2..])].concat()
}
