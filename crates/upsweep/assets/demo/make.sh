#!/usr/bin/env bash
# Makes the demo's recordings afresh: small, real, playable, and free of anybody's voice.
# Needs espeak-ng, sox and ffmpeg (Debian packages of the same names).
# Run it only to change a recording: encoders differ, so the bytes change with their versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# bitexact keeps dates and encoder versions out of the files.
encode() { ffmpeg -nostdin -loglevel error -y -i "$1" -map_metadata -1 -fflags +bitexact -flags:a +bitexact "${@:3}" "$2"; }

espeak-ng -w "$work/greeting.wav" 'Session seven. Thank you, see you on Thursday.'
espeak-ng -s 150 -w "$work/note.wav" 'Short voice note, recorded on the way home.'
encode "$work/greeting.wav" greeting.m4a -ac 1 -ar 16000 -c:a aac -b:a 16k -movflags +faststart
encode "$work/note.wav" note.mp3 -ac 1 -ar 16000 -c:a libmp3lame -b:a 16k

# Three tones up, three tones down; a chord; and a single ping. -D: no dither, which is random, and noise to FLAC.
sox -D -n -r 8000 -c 1 -b 16 "$work/chime.wav" synth 0.5 sine 440 : synth 0.5 sine 554 : synth 0.5 sine 659 \
    : synth 0.5 sine 659 : synth 0.5 sine 554 : synth 0.5 sine 440
# ffmpeg writes no 8-bit FLAC; sox does. --comment '': no tags.
sox -D -n -r 4000 -c 1 -b 8 --comment '' chord.flac synth 3 sine 262 sine 330 sine 392 remix - fade t 0.1 3 1.5 gain -6
sox -D -n -r 4000 -c 1 -b 8 "$work/ping.wav" synth 2 sine 660 fade l 0 2 1.9 gain -3
encode "$work/chime.wav" chime.ogg -c:a libvorbis -q:a 0
encode "$work/ping.wav" ping.wav -c:a pcm_u8

for file in *.m4a *.mp3 *.ogg *.flac *.wav; do
    bytes=$(stat -c %s "$file")
    seconds=$(ffprobe -loglevel error -show_entries format=duration -of csv=p=0 "$file")
    echo "$file: $bytes bytes, $seconds s"
    ((bytes <= 12 * 1024)) || { echo "$file is over 12 KiB" >&2; exit 1; }
done
