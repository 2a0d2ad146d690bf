#!/bin/sh
# Builds the program for the launcher `tersor`: build-launcher.sh ROOT STATE. Progress goes to stderr.
# build-launcher.sh ROOT STATE APP builds what trains instead, into STATE/APP/training, beside the program it belongs to.
# Every build gets a folder of its own below STATE, and STATE/current is replaced last: a program that runs keeps its files.
set -u
root=$1
state=$2
program=${3:-}
sources="src global.json Directory.Build.props Directory.Packages.props"

say() {
  printf 'tersor: %s\n' "$1" >&2
}

if ! command -v dotnet >/dev/null 2>&1 || ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
  say "needs the .NET 10 SDK, which is not installed here. Get it from https://dotnet.microsoft.com/download/dotnet/10.0 and try again."
  exit 1
fi
mkdir -p "$state" || exit 1

# One build at a time: a folder can be made only once. A lock whose owner is gone is taken over.
waited=
until mkdir "$state/lock" 2>/dev/null; do
  owner=$(cat "$state/lock/pid" 2>/dev/null || :)
  if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
    mv "$state/lock" "$state/lock.$$" 2>/dev/null && rm -rf "$state/lock.$$"
    continue
  fi
  [ -z "$waited" ] && say "another call is building; waiting for it."
  waited=yes
  sleep 1
done
printf '%s\n' "$$" >"$state/lock/pid"
trap 'rm -rf "$state/lock"' EXIT
trap 'exit 130' INT TERM HUP

case $(uname -s) in
  Darwin) system=osx ;;
  *) system=linux ;;
esac
case $(uname -m) in
  arm64 | aarch64) machine=arm64 ;;
  *) machine=x64 ;;
esac
[ "$system" = linux ] && [ -f /etc/alpine-release ] && system=linux-musl

log=$state/build.log

# publish PROJECT FOLDER ...
publish() {
  project=$1
  folder=$2
  shift 2
  dotnet publish "$root/src/$project/$project.csproj" --configuration Release --runtime "$system-$machine" --no-self-contained \
    --output "$folder" --nologo --verbosity quiet -p:TersorLauncher=true "$@" </dev/null >"$log" 2>&1
}

failed() {
  grep ' error ' "$log" | sort -u | head -n 20 >&2
  say "the build failed; its errors are above, its whole output is in $log."
  rm -rf "${1:?}"
  exit 1
}

if [ -n "$program" ]; then
  training=$state/$program/training
  [ -f "$training/Tersor.Training.dll" ] && exit 0
  say "fetching and building what trains: libtorch, half a gigabyte. This happens once."
  rm -rf "$training.part"
  publish Tersor.Training "$training.part" || failed "$training.part"
  mv "$training.part" "$training"
  say "ready."
  exit 0
fi

# Whoever held the lock before may have built what is wanted.
app=
if [ -n "$waited" ] && [ -f "$state/current" ] && read -r app <"$state/current" && [ -x "$state/$app/tersor" ]; then
  # shellcheck disable=SC2086 # a list of names without spaces
  [ -z "$(cd "$root" && find $sources \( -name obj -o -name bin \) -prune -o -type f -newer "$state/current" -print 2>/dev/null | head -n 1)" ] && exit 0
fi

app=app-$(date +%s)-$$
printf '%s\n' "$app" >"$state/next" # older than any source edited from now on
say "restoring and building; this happens once and takes about a minute."
# Without the compiler to machine code, a plain build does: it starts 0.2 s slower.
publish Tersor.Cli "$state/$app" -p:PublishReadyToRun=true || publish Tersor.Cli "$state/$app" || failed "$state/$app"
previous=$(cat "$state/current" 2>/dev/null || :)
mv -f "$state/next" "$state/current"
for old in "$state"/app-*; do
  case ${old##*/} in
    "$app" | "$previous") ;;
    *) rm -rf "$old" ;;
  esac
done
say "ready."
