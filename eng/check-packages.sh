#!/bin/sh
# Packs everything and uses it as its users do, with a home and a package cache of their own: the tool is installed and run, what trains is fetched by its command, a program is built on the libraries. Sizes are held to limits.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
cache=${NUGET_PACKAGES:-$HOME/.nuget/packages}

fail() {
  echo "$1"
  exit 1
}

# at_most MEGABYTES PATH: prints the size and holds it to the limit.
at_most() {
  megabytes=$(du -s --bytes --total "$2" | awk 'END { print int($1 / 1e6 + 0.5) }')
  printf '%5s MB  %s\n' "$megabytes" "${2#"$work"/}"
  [ "$megabytes" -le "$1" ] || fail "$2 has $megabytes MB; at most $1 are allowed"
}

dotnet pack --configuration Release --output "$work/packages" --nologo --verbosity quiet
for package in Tersor.Onnx Tersor.Data Tersor.Runtime Tersor.Compression Tersor.Training Tersor.Pipeline Tersor.Reporting Tersor.Cli; do
  [ -f "$work/packages/$package.$version.nupkg" ] || fail "$package was not packed"
done
for package in "$work"/packages/*.nupkg; do
  case ${package##*/} in
    Tersor.Cli.[a-z]*) at_most 100 "$package" ;;
    *) at_most 2 "$package" ;;
  esac
done

# Packages that were downloaded before are not downloaded again; ours come from the folder.
export HOME="$work/home" DOTNET_CLI_HOME="$work/home" NUGET_PACKAGES="$work/cache" DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
mkdir -p "$HOME/.nuget/NuGet"
cat >"$HOME/.nuget/NuGet/NuGet.Config" <<END
<configuration>
  <packageSources>
    <add key="packages" value="$work/packages" />
    <add key="downloaded" value="$cache" />
    <add key="nuget.org" value="https://api.nuget.org/v3/index.json" protocolVersion="3" />
  </packageSources>
  <packageSourceMapping>
    <packageSource key="packages"><package pattern="Tersor.*" /></packageSource>
    <packageSource key="downloaded"><package pattern="*" /></packageSource>
    <packageSource key="nuget.org"><package pattern="*" /></packageSource>
  </packageSourceMapping>
</configuration>
END

cd "$work"
dotnet tool install Tersor.Cli --tool-path "$work/tool" --version "$version" >/dev/null
at_most 250 "$work/tool"
# Whoever only quantizes never downloads what trains.
[ -z "$(find tool -iname "*torch*")" ] || fail "the tool brings libtorch along"
[ "$(tool/tersor --version)" = "$version" ]
tool/tersor demo --rounds 6 --output models
tool/tersor inspect models/fmnist_cnn.int8.onnx >/dev/null

if tool/tersor distill models/fmnist_cnn.onnx --teacher models/fmnist_cnn.onnx -o distilled.onnx --data random,count=64 --steps 2 2>error; then
  fail "the tool trains before what trains was fetched"
fi
grep -q "tersor install training" error
tool/tersor install training
at_most 600 "$HOME/.local/share/tersor/training"
tool/tersor distill models/fmnist_cnn.onnx --teacher models/fmnist_cnn.optimized.onnx -o distilled.onnx --data random,count=64 --steps 2 || [ $? -eq 3 ]

# The samples of the documents, on the packages.
mkdir program
cp "$root"/samples/Tersor.Samples/*.cs program/
cat >program/program.csproj <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Tersor.Pipeline" Version="$version" />
  </ItemGroup>
</Project>
END
dotnet build program --configuration Release --nologo --verbosity quiet
at_most 150 "$work/program/bin"
program/bin/Release/net10.0/program models/fmnist_cnn.onnx "$work"
dotnet publish program --configuration Release --nologo --verbosity quiet --output "$work/published"
at_most 500 "$work/published"
[ -z "$(find published -name "*.pdb" -size +1M -o -iname "*android*" -o -iname "*ios*")" ] || fail "what is published holds files for systems Tersor does not run on"
