#!/bin/sh
# Runs both examples.
set -eu
sh v1.sh
sh customers.sh
