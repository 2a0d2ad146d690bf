#!/bin/sh
# Packs everything, installs the packed tool into a folder of its own, and runs it from elsewhere: the engine's native libraries and the child process included.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
dotnet pack --configuration Release --output "$work/packages" --nologo --verbosity quiet
for package in Tersor.Onnx Tersor.Data Tersor.Runtime Tersor.Compression Tersor.Training Tersor.Pipeline Tersor.Reporting Tersor.Cli; do
  [ -f "$work/packages/$package.$version.nupkg" ] || { echo "$package was not packed"; exit 1; }
done
dotnet tool install Tersor.Cli --tool-path "$work/tool" --add-source "$work/packages" --version "$version" >/dev/null
cd "$work"
# Whoever only quantizes never downloads what trains.
[ -z "$(find tool -iname "*torch*")" ] || { echo "the tool brings libtorch along"; exit 1; }
[ "$(tool/tersor --version)" = "$version" ]
tool/tersor demo --rounds 6 --output models
tool/tersor inspect models/fmnist_cnn.int8.onnx >/dev/null
