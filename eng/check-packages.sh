#!/bin/sh
# Packs everything, installs the packed tool into a folder of its own and runs it from elsewhere.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dotnet pack --configuration Release --output "$work/packages" --nologo --verbosity quiet
ls "$work/packages"
dotnet tool install Tersor.Cli --tool-path "$work/tool" --add-source "$work/packages" --version "$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)" >/dev/null
cd "$work"
tool/tersor --version
