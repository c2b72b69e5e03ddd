use super::*;
use proptest::prelude::*;

fn wav_file(rate: u32, channels: u16, samples: u32) -> Vec<u8> {
    let bytes = samples * u32::from(channels) * 2;
    let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0".to_vec();
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    // A lie, which nobody reads.
    file.extend([0xff; 4]);
    file.extend((channels * 2).to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(vec![0; bytes as usize]);
    file
}

fn flac_file(rate: u64, samples: u64) -> Vec<u8> {
    let mut file = b"fLaC\0\0\0\x22".to_vec();
    file.extend([0; 10]);
    file.extend((rate << 44 | 1 << 41 | 15 << 36 | samples).to_be_bytes());
    file.extend([0; 16]);
    file
}

fn ogg_page(granule: u64, payload: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0\x02".to_vec();
    page.extend(granule.to_le_bytes());
    page.extend([0; 12]);
    page.extend([1, u8::try_from(payload.len()).unwrap()]);
    page.extend(payload);
    page
}

fn opus_file(samples: u64) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(312_u16.to_le_bytes());
    head.extend([0; 7]);
    [ogg_page(0, &head), ogg_page(samples + 312, b"x"), ogg_page(u64::MAX, b"y")].concat()
}

/// Frames of 128 kbit/s at 44.1 kHz in stereo, 417 bytes each.
fn mp3_file(frames: usize, count: Option<u32>) -> Vec<u8> {
    let mut frame = vec![0xff, 0xfb, 0x90, 0x00];
    frame.resize(417, 0);
    let mut file = b"ID3\x04\0\0\0\0\x01\x05".to_vec();
    file.extend([0; 133]);
    let mut first = frame.clone();
    if let Some(count) = count {
        first[36..40].copy_from_slice(b"Xing");
        first[40..44].copy_from_slice(&1_u32.to_be_bytes());
        first[44..48].copy_from_slice(&count.to_be_bytes());
    }
    file.extend(first);
    (1..frames).for_each(|_| file.extend(&frame));
    file
}

fn boxed_as(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).unwrap();
    [size.to_be_bytes().as_slice(), kind, body].concat()
}

fn mp4_file(scale: u32, length: u32) -> Vec<u8> {
    let mut head = vec![0; 12];
    head.extend(scale.to_be_bytes());
    head.extend(length.to_be_bytes());
    head.extend([0; 80]);
    [
        boxed_as(b"ftyp", b"M4A \0\0\0\0"),
        boxed_as(b"mdat", &[7; 1_000]),
        boxed_as(b"moov", &[boxed_as(b"udta", b""), boxed_as(b"mvhd", &head)].concat()),
    ]
    .concat()
}

fn webm_file(ticks: f32) -> Vec<u8> {
    let mut info = vec![0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40, 0x44, 0x89, 0x84];
    info.extend(ticks.to_be_bytes());
    let mut file = vec![0x1a, 0x45, 0xdf, 0xa3, 0x80];
    // A segment whose size is not known.
    file.extend([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    file.extend([0x15, 0x49, 0xa9, 0x66, 0x80 | u8::try_from(info.len()).unwrap()]);
    file.extend(info);
    file
}

#[test]
fn each_format_tells_its_length() {
    for (name, file, ms) in [
        ("wav", wav_file(16_000, 1, 40_000), 2_500),
        ("wav in stereo", wav_file(44_100, 2, 44_100), 1_000),
        ("flac", flac_file(44_100, 88_200), 2_000),
        ("opus", opus_file(48_000 * 3), 3_000),
        ("mp3 that counts its frames", mp3_file(2, Some(100)), 2_612),
        ("mp3 of one rate", mp3_file(100, None), 2_606),
        ("m4a", mp4_file(1_000, 9_250), 9_250),
        ("webm", webm_file(4_200.0), 4_200),
    ] {
        assert_eq!(length_ms(&file), Some(ms), "{name}");
    }
    let mut vorbis = b"\x01vorbis\0\0\0\0\x02".to_vec();
    vorbis.extend(22_050_u32.to_le_bytes());
    let file = [ogg_page(0, &vorbis), ogg_page(22_050, b"x")].concat();
    assert_eq!(length_ms(&file), Some(1_000));
}

#[test]
fn a_recording_that_does_not_know_its_length_is_as_long_as_its_bytes() {
    let mut file = wav_file(8_000, 1, 8_000);
    let size = file.len() - 16_000 - 4;
    for unknown in [[0; 4], [0xff; 4], [0, 0, 0, 0x7f]] {
        file[size..size + 4].copy_from_slice(&unknown);
        assert_eq!(length_ms(&file), Some(1_000), "{unknown:?}");
    }
}

#[test]
fn a_header_that_lies_makes_no_file_shorter_than_its_bytes() {
    let padded = |mut file: Vec<u8>, bytes: usize| {
        file.resize(file.len() + bytes, 0x55);
        length_ms(&file).unwrap()
    };
    // A second of 44.1 kHz stereo is 176,400 bytes at most.
    assert!(padded(flac_file(44_100, 100), 1_764_000) >= 9_990);
    assert!(padded(mp3_file(2, Some(1)), 560_000) >= 10_000);
    assert!(padded(mp4_file(1_000, 1), 12_500_000) >= 10_000);
    assert!(padded(opus_file(48), 1_280_000) >= 10_000);
    let mut file = wav_file(16_000, 1, 16_000);
    let size = file.len() - 32_000 - 4;
    file[size..size + 4].copy_from_slice(&200_u32.to_le_bytes());
    assert!(length_ms(&file).unwrap() >= 990);
}

#[test]
fn what_is_no_audio_or_does_not_say_has_no_length() {
    let mut unknown = mp4_file(1_000, u32::MAX);
    assert_eq!(length_ms(&unknown), None);
    unknown = mp4_file(0, 5);
    assert_eq!(length_ms(&unknown), None);
    for file in [
        b"".to_vec(),
        b"RIFF".to_vec(),
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0".to_vec(),
        flac_file(44_100, 0),
        flac_file(0, 5),
        webm_file(f32::NAN),
        webm_file(0.0),
        b"not audio at all, but long enough to be searched".to_vec(),
        vec![0xff; 5_000],
        vec![0; 5_000],
    ] {
        assert_eq!(length_ms(&file), None, "{:?}", &file[..file.len().min(16)]);
    }
    assert_eq!(assumed_ms(16_001), 4_001);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), start in 0..8_usize) {
        let starts: [&[u8]; 8] = [b"", b"RIFFxxxxWAVEfmt ", b"fLaC", b"OggS", b"\x1a\x45\xdf\xa3", b"\0\0\0\x08ftyp", b"ID3", b"\xff\xfb\x90"];
        let _ = length_ms(&[starts[start], &bytes].concat());
    }

    #[test]
    fn damage_anywhere_makes_no_panic(
        which in 0..6_usize, hits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..12), cut in any::<usize>(),
    ) {
        let mut file = match which {
            0 => wav_file(16_000, 1, 200),
            1 => flac_file(44_100, 88_200),
            2 => opus_file(48_000),
            3 => mp3_file(3, Some(9)),
            4 => mp4_file(1_000, 9),
            _ => webm_file(9.0),
        };
        for (at, byte) in hits {
            let at = at % file.len();
            file[at] = byte;
        }
        file.truncate(cut % (file.len() + 1));
        let _ = length_ms(&file);
    }
}
