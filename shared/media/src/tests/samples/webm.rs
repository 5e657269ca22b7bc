use crate::tests::canary::CANARY;

/// An element whose size takes four bytes.
fn element(id: u32, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len()).unwrap() | 0x1000_0000;
    [id_bytes(id), size.to_be_bytes().to_vec(), body].concat()
}

fn open_element(id: u32, parts: &[&[u8]]) -> Vec<u8> {
    [&id_bytes(id), &[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF][..], &parts.concat()].concat()
}

fn id_bytes(id: u32) -> Vec<u8> {
    id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// A Vorbis header in Xiph lacing: identification, comments, setup.
fn vorbis_header() -> Vec<u8> {
    let text = |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_le_bytes(), text].concat();
    let comments = [b"\x03vorbis", &text(CANARY)[..], &[1, 0, 0, 0], &text(b"LOCATION=CANARY"), &[1]].concat();
    let identification = b"\x01vorbis-parameters";
    let lengths = [2, u8::try_from(identification.len()).unwrap(), u8::try_from(comments.len()).unwrap()];
    [&lengths, &identification[..], &comments, b"\x05vorbis-setup"].concat()
}

/// As a live recorder writes it: segment and clusters of open size, no duration. 320 by 180, 1033 ms.
pub(in crate::tests) fn webm() -> Vec<u8> {
    webm_with_track_type(2)
}

/// The same, with the sound track declared as another type.
pub(in crate::tests) fn webm_with_track_type(second: u8) -> Vec<u8> {
    webm_with(second, &[])
}

/// The same, with blocks of video that are declared as encrypted (<https://www.webmproject.org/docs/webm-encryption/>).
pub(in crate::tests) fn encrypted_webm() -> Vec<u8> {
    let encryption = element(0x5035, &[&element(0x47E1, &[&[5]]), &element(0x47E2, &[b"key"])]);
    let encoding = [element(0x5031, &[&[0]]), element(0x5032, &[&[1]]), element(0x5033, &[&[1]]), encryption].concat();
    webm_with(2, &element(0x6D80, &[&element(0x6240, &[&encoding])]))
}

fn webm_with(second: u8, of_video: &[u8]) -> Vec<u8> {
    let header = element(0x1A45_DFA3, &[&element(0x4282, &[b"webm"])]);
    let seek = |id: u32| element(0x4DBB, &[&element(0x53AB, &[&id_bytes(id)]), &element(0x53AC, &[&[0, 200]])]);
    let seek_head = element(0x114D_9B74, &[&seek(0x1549_A966), &seek(0x1254_C367)]);
    let info = element(
        0x1549_A966,
        &[
            &element(0xBF, &[&[1, 2, 3, 4]]),
            &element(0x2A_D7B1, &[&1_000_000_u32.to_be_bytes()]),
            &element(0x4461, &[b"\0\0CANARY"]),
            &element(0x7BA9, &[CANARY]),
            &element(0x4D80, &[CANARY]),
            &element(0x5741, &[CANARY]),
        ],
    );
    let track = |number: u8, kind: u8, parts: &[&[u8]]| {
        let head = [element(0xD7, &[&[number]]), element(0x73C5, &[&[number]]), element(0x83, &[&[kind]])].concat();
        element(0xAE, &[&head, &element(0x536E, &[CANARY]), &parts.concat()])
    };
    let video = element(0xE0, &[&element(0xB0, &[&320_u16.to_be_bytes()]), &element(0xBA, &[&[180]])]);
    let audio = [element(0x86, &[b"A_VORBIS"]), element(0x63A2, &[&vorbis_header()])].concat();
    let tracks = [track(1, 1, &[&element(0x86, &[b"V_VP9"]), &video, of_video]), track(2, second, &[&audio])];
    let tracks = element(0x1654_AE6B, &[&tracks.concat()]);
    let block = |offset: u16, data: &[u8]| element(0xA3, &[&[0x81], &offset.to_be_bytes(), &[0x80], data]);
    let group = element(0xA0, &[&element(0xA1, &[&[0x81, 0, 0, 0], b"third"]), &element(0x9B, &[&[33]])]);
    let cluster = |time: u16, parts: &[&[u8]]| {
        open_element(0x1F43_B675, &[&element(0xE7, &[&time.to_be_bytes()]), &parts.concat()])
    };
    let first = cluster(0, &[&block(0, b"first"), &element(0xEC, &[CANARY]), &block(40, b"second")]);
    let second = cluster(1000, &[&group, &element(0x5854, &[CANARY])]);
    let tags = element(0x1254_C367, &[&element(0x7373, &[&CANARY.repeat(40)])]);
    let attachments = element(0x1941_A469, &[CANARY]);
    let chapters = element(0x1043_A770, &[CANARY]);
    let parts = [seek_head, info, tracks, chapters, first, second, attachments, tags].concat();
    [header, open_element(0x1853_8067, &[&parts])].concat()
}
