#!/usr/bin/env bash
# group: rw auto quick
