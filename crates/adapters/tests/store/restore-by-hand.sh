#!/usr/bin/env bash
# Puts every file of one quarantine folder back, without upsweep and without its ledger.
#
#   bash restore-by-hand.sh UPLOAD_DIR RUN
#
# MANIFEST has one line per file: number, bytes, mtime, inode, percent-encoded name; separated by tabs.
# Nothing is overwritten: a file whose place is taken stays in the quarantine.
set -euo pipefail
store=$1
quarantine=$store/.upsweep/quarantine/$2

while IFS=$'\t' read -r number bytes mtime inode encoded; do
  [[ $number == '#'* || ! -f $quarantine/$number ]] && continue
  printf -v name '%b' "${encoded//%/\\x}"
  [[ $name == */* ]] && mkdir -p -- "$store/${name%/*}"
  mv --no-clobber --no-target-directory -- "$quarantine/$number" "$store/$name"
done < "$quarantine/MANIFEST"
