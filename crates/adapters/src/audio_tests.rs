use std::io::{self, Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;

use super::*;

/// Name, bytes, format, and the length in milliseconds that ffprobe gives.
const ASSETS: [(&str, &[u8], &str, u64); 5] = [
    ("greeting.m4a", include_bytes!("../../upsweep/assets/demo/greeting.m4a"), "m4a", 3213),
    ("note.mp3", include_bytes!("../../upsweep/assets/demo/note.mp3"), "mp3", 3276),
    ("ping.wav", include_bytes!("../../upsweep/assets/demo/ping.wav"), "wav", 2000),
    ("chime.ogg", include_bytes!("../../upsweep/assets/demo/chime.ogg"), "ogg", 3000),
    ("chord.flac", include_bytes!("../../upsweep/assets/demo/chord.flac"), "flac", 3000),
];

/// A file that begins with `head`, ends with `tail`, and has a sea of zeros between; it counts what is read.
struct Long {
    head: Vec<u8>,
    len: u64,
    tail: Vec<u8>,
    position: u64,
    read_bytes: usize,
}

impl Long {
    fn new(head: Vec<u8>, len: u64, tail: Vec<u8>) -> Self {
        Self { head, len, tail, position: 0, read_bytes: 0 }
    }

    fn byte(&self, at: u64) -> u8 {
        let tail_start = self.len - self.tail.len() as u64;
        match usize::try_from(at) {
            Ok(at) if at < self.head.len() => self.head[at],
            _ if at >= tail_start => self.tail[(at - tail_start) as usize],
            _ => 0,
        }
    }
}

impl Read for Long {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.len.saturating_sub(self.position) as usize);
        for slot in &mut buffer[..count] {
            *slot = self.byte(self.position);
            self.position += 1;
        }
        self.read_bytes += count;
        Ok(count)
    }
}

impl Seek for Long {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// An uncompressed recording of 8 kHz, one channel, one byte per sample.
fn wav_head(data_len: u32) -> Vec<u8> {
    let mut head = b"RIFF".to_vec();
    head.extend((36 + data_len).to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    head.extend(8000_u32.to_le_bytes());
    head.extend(8000_u32.to_le_bytes());
    head.extend(b"\x01\0\x08\0data");
    head.extend(data_len.to_le_bytes());
    head
}

/// `ftyp`, a 32-bit `mdat` of `data_len` bytes, and the rest of a real file's atoms behind it, as recorders write them.
fn m4a_with_moov_at_the_end(data_len: u32) -> (Vec<u8>, Vec<u8>) {
    let (_, bytes, ..) = ASSETS[0];
    let mut ftyp = Vec::new();
    let mut moov = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 8 {
        let len = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        match &rest[4..8] {
            b"ftyp" => ftyp = rest[..len].to_vec(),
            b"moov" => moov = rest[..len].to_vec(),
            _ => {}
        }
        rest = &rest[len..];
    }
    ftyp.extend((data_len + 8).to_be_bytes());
    ftyp.extend(b"mdat");
    (ftyp, moov)
}

#[test]
fn every_demo_recording_is_recognised_by_its_content() {
    for (name, bytes, format, expected_ms) in ASSETS {
        let facts = probe(Cursor::new(bytes)).unwrap_or_else(|| panic!("{name} is not recognised"));
        assert_eq!(facts.format, format, "{name}");
        let ms = facts.duration.unwrap_or_else(|| panic!("{name} has no duration")).as_millis() as u64;
        assert!(ms.abs_diff(expected_ms) <= 150, "{name}: {ms} ms, expected about {expected_ms}");
        assert!(bytes.len() <= 12 * 1024, "{name} has {} bytes", bytes.len());
    }
}

#[test]
fn a_reader_is_read_from_its_beginning_wherever_it_stands() {
    let mut reader = Cursor::new(ASSETS[1].1);
    reader.set_position(100);
    assert_eq!(probe(reader).unwrap().format, "mp3");
}

#[test]
fn what_is_no_audio_is_not_described() {
    let sixteen_bit_text: Vec<u8> = b"\xff\xfe".iter().copied().chain(*b"h\0e\0l\0l\0o\0").collect();
    // A recording inside something else is not the file's own format.
    let webm = [b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01webm", ASSETS[1].1].concat();
    let cases: [(&str, &[u8]); 7] = [
        ("nothing", b""),
        ("one byte", b"\xff"),
        ("text", b"id,status,audio_filename\n1,done,a.m4a\n"),
        ("zeros", &[0; 4096]),
        ("ones", &[0xff; 4096]),
        ("UTF-16 text", &sixteen_bit_text),
        ("WebM with MPEG frames inside", &webm),
    ];
    for (what, bytes) in cases {
        assert_eq!(probe(Cursor::new(bytes)), None, "{what}");
    }
}

#[test]
fn a_recording_cut_off_early_still_shows_its_format() {
    let (_, m4a, ..) = ASSETS[0];
    let facts = probe(Cursor::new(&m4a[..40])).unwrap();
    assert_eq!(facts, AudioFacts { format: "m4a".to_owned(), duration: None });
}

#[test]
fn a_long_recording_costs_a_few_kilobytes() {
    let wav_len = 2_000_000_000;
    let mut wav = Long::new(wav_head(wav_len), 44 + u64::from(wav_len), Vec::new());
    let facts = probe(&mut wav).unwrap();
    assert_eq!(facts, AudioFacts { format: "wav".to_owned(), duration: Some(Duration::from_secs(250_000)) });
    assert!(wav.read_bytes <= 16 * 1024, "WAV: {} bytes read", wav.read_bytes);

    let (head, moov) = m4a_with_moov_at_the_end(wav_len);
    let len = (head.len() + moov.len()) as u64 + u64::from(wav_len);
    let mut m4a = Long::new(head, len, moov);
    let facts = probe(&mut m4a).unwrap();
    assert_eq!(facts.format, "m4a");
    assert_eq!(facts.duration.unwrap().as_secs(), 3);
    assert!(m4a.read_bytes <= 128 * 1024, "M4A: {} bytes read", m4a.read_bytes);
}

#[test]
fn a_hostile_file_costs_no_more_than_the_budget() {
    // The parsers would walk each of these to the end, byte by byte or frame by frame.
    let leads: [&[u8]; 4] = [b"\xff\xfb\x00\x00", b"\xff\xf1\x00\x00", b"ID3\x04\0\0\0\0\0\0", b"OggS"];
    for lead in leads {
        let mut long = Long::new(lead.to_vec(), 1 << 32, Vec::new());
        let facts = probe(&mut long);
        assert!(long.read_bytes <= MAX_READ_BYTES, "{lead:?}: {} bytes read", long.read_bytes);
        assert_eq!(facts.and_then(|facts| facts.duration), None, "{lead:?}");
    }
}

#[test]
fn a_reader_that_fails_is_no_audio() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    impl Seek for Broken {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }
    assert_eq!(probe(Broken), None);
}

/// What the parsers look for first, so that random bytes get past the front door.
const LEADS: [&[u8]; 12] = [
    b"",
    b"ID3\x04\0\0",
    b"\xff\xfb\x90\x64",
    b"\xff\xf1\x50\x80",
    b"fLaC\0\0\0\x22",
    b"RIFF\xff\xff\xff\xffWAVEfmt ",
    b"FORM\0\0\xff\xffAIFFCOMM",
    b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis",
    b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead",
    b"\0\0\0\x10ftypM4A \0\0\0\0\0\0\x01\0moov",
    b"wvpk\0\0\0\0",
    b"MAC \x96\x0f\0\0",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(lead in 0..LEADS.len(), noise in prop::collection::vec(any::<u8>(), 0..600)) {
        let bytes = [LEADS[lead], &noise].concat();
        let mut reader = Long::new(bytes.clone(), bytes.len() as u64, Vec::new());
        let _ = probe(&mut reader);
        prop_assert!(reader.read_bytes <= MAX_READ_BYTES);
    }

    #[test]
    fn truncated_and_damaged_recordings_never_panic(
        asset in 0..ASSETS.len(),
        keep in 0.0..=1.0_f64,
        damage in prop::collection::vec((0..512_usize, any::<u8>()), 0..4),
    ) {
        let (_, bytes, format, _) = ASSETS[asset];
        let mut bytes = bytes[..(bytes.len() as f64 * keep) as usize].to_vec();
        let intact = damage.is_empty();
        for (at, value) in damage {
            if let Some(slot) = bytes.get_mut(at) {
                *slot = value;
            }
        }
        if let Some(facts) = probe(Cursor::new(bytes)).filter(|_| intact) {
            prop_assert_eq!(facts.format, format);
        }
    }
}
