#!/usr/bin/env bash
# Finds the slipway of this action and sets the output "program" to its path. docs/github-actions.md says
# where it looks. It runs with bash 3.2, which macOS has, and with Git's bash on Windows.
#
#     install.sh                  as a step of action.yml: VERSION is the input of this name
#     install.sh sources DIR      prints the digest of the sources in a checkout, for digests.txt
set -euo pipefail
unset TAR_OPTIONS GZIP UNZIP UNZIPOPT CDPATH
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
newest=slipway-ci/slipway@v1

# fail ends the step with an error, which GitHub shows on the page of the run. The exit code is 3, or the second argument.
fail() {
  local text=$1 cr=$'\r' lf=$'\n'
  text=${text//\%/%25}
  text=${text//"$cr"/%0D}
  text=${text//"$lf"/%0A}
  echo "::error title=slipway::$text"
  exit "${2:-3}"
}

say() { printf 'slipway: %s\n' "$1"; }

# sha256 prints the SHA-256 of its standard input.
sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

# sources prints the SHA-256 of the names and the contents of all files that slipway is compiled from.
sources() (
  cd "$1" &&
    files=$(find go.mod go.sum cmd internal tasks polyaxon workflows examples -type f ! -name '*_test.go' ! -path '*/testdata/*' | LC_ALL=C sort) &&
    { echo "$files" && echo "$files" | tr '\n' '\0' | xargs -0 cat; } | sha256
)

# digest prints the digest that digests.txt has for a name, or nothing.
digest() {
  local sum name
  while read -r sum name; do
    if [ "$name" = "$1" ]; then echo "$sum" && return; fi
  done <"$root/action/digests.txt"
}

# released prints the versions in digests.txt, newest first. With a digest, it prints those whose sources have it.
released() {
  local sum name
  while read -r sum name; do
    case $name in
      v*/sources) if [ "${1:-$sum}" = "$sum" ]; then echo "${name%/sources}"; fi ;;
    esac
  done <"$root/action/digests.txt"
}

# find_platform sets os, arch, exe and archive, and node: what Node.js, and so the tool cache, calls arch.
find_platform() {
  local system=${RUNNER_OS:-$(uname -s)} machine=${RUNNER_ARCH:-$(uname -m)}
  exe='' archive=tar.gz
  case $system in
    Linux) os=linux ;;
    macOS | Darwin) os=darwin ;;
    Windows | MINGW* | MSYS*) os=windows exe=.exe archive=zip ;;
    *) os='' ;;
  esac
  case $machine in
    X64 | x86_64 | amd64) arch=amd64 node=x64 ;;
    ARM64 | arm64 | aarch64) arch=arm64 node=arm64 ;;
    *) arch='' ;;
  esac
  if [ -z "$os" ] || [ -z "$arch" ]; then
    fail "slipway does not run on $system $machine, but on Linux, macOS and Windows with x64 or arm64; take such a runner, as in runs-on: ubuntu-latest"
  fi
  if [ "$os" = windows ] && [ "$(uname -s)" = Linux ]; then
    fail "the bash of this runner is that of WSL, where slipway would not see the workspace; put the directory of Git's bash.exe before it on the PATH of the runner"
  fi
  if ! command -v sha256sum >/dev/null && ! command -v shasum >/dev/null; then
    fail "neither sha256sum nor shasum is on this runner, and slipway's digest cannot be checked; install one in a step before this one"
  fi
}

# need ends the step if the runner lacks programs. Small images of containers have no findutils, tar or gzip.
need() {
  local name missing=''
  for name in "$@"; do
    if ! command -v "$name" >/dev/null; then missing="$missing $name"; fi
  done
  if [ -n "$missing" ]; then
    fail "the action needs programs that are not on this runner:$missing; install them in a step before this one, as in run: apt-get update && apt-get install -y findutils tar gzip, or run: microdnf install -y findutils tar gzip"
  fi
}

# read_version sets version: the input's, or that of the release that has these sources. It is empty if there is none.
read_version() {
  local known sum
  known=$(released)
  version=${VERSION:-}
  version=${version#"${version%%[![:space:]]*}"}
  version=${version%"${version##*[![:space:]]}"}
  if [ -z "$version" ]; then
    sum=$(sources "$root")
    version=$(released "$sum")
    version=${version%%$'\n'*}
    return
  fi
  local wanted=v${version#v}
  while read -r version; do
    if [ "$version" = "$wanted" ]; then return; fi
  done <<<"$known"
  if [ -z "$known" ]; then
    fail "the input version is $wanted, but this ref of the action has no digests of any release; take a release of the action, as in uses: $newest" 2
  fi
  fail "the input version is $wanted, and this ref of the action has digests only of ${known//$'\n'/, }; leave version out, name one of these, or take the action of that release, as in uses: $newest" 2
}

# is_release reports whether a file is the program of the release.
is_release() { [ -f "$1" ] && [ "$(sha256 <"$1")" = "$want" ]; }

# find_release sets program to the path of the program of a release.
find_release() {
  want=$(digest "$version/$os/$arch")
  if [ -z "$want" ]; then
    fail "slipway $version was not released for $os/$arch; take another runner, as in runs-on: ubuntu-latest"
  fi
  local cache=${RUNNER_TOOL_CACHE:-} temporary=$RUNNER_TEMP below=slipway/${version#v}/$node dir
  if [ "$os" = windows ]; then
    cache=${cache//\\//} temporary=${temporary//\\//}
  fi
  # Without a tool cache that can be written, the program is kept for the steps of this job.
  stores=("$temporary/$below")
  if [ -n "$cache" ]; then stores=("$cache/$below" "$temporary/$below"); fi
  for dir in "${stores[@]}"; do
    program=$dir/slipway$exe
    if is_release "$program"; then
      say "using $version of $program"
      return
    fi
    if [ -e "$program" ]; then
      say "$program is not used, because its SHA-256 is not that of $version for $os/$arch"
    fi
  done
  while IFS= read -r program; do
    if is_release "$program"; then
      say "using $version of $program, which is on PATH"
      return
    fi
    say "$program, which is on PATH, is not used, because its SHA-256 is not that of $version for $os/$arch"
  done < <(type -aP "slipway$exe")
  install_release
}

# install_release downloads the program, checks it, and puts it into the first directory that can be written.
install_release() {
  local store='' file=slipway_${version#v}_${os}_${arch}.$archive sum
  local url=${SLIPWAY_DOWNLOAD_URL:-https://github.com/slipway-ci/slipway/releases/download}
  url=${url%/}/$version/$file
  for store in "${stores[@]}"; do
    work=''
    if mkdir -p "$store" 2>/dev/null && work=$(mktemp -d "$store/.download-XXXXXX" 2>/dev/null); then break; fi
    say "$store cannot be written"
  done
  if [ -z "$work" ]; then fail "there is no directory that can be written for slipway: $store"; fi
  trap 'cd / && rm -rf "$work"' EXIT
  find "$store" -name '.download-*' -type d -mmin +60 -exec rm -rf {} + # of jobs that were killed
  cd "$work"
  if [ "$archive" = tar.gz ]; then need tar gzip; fi
  download "$url" "$file"
  sum=$(unpack "$file" | head -c 300000000 | tee program | sha256) || fail "$file is not a whole archive, and nothing of it was run; it came from $shown"
  if [ "$sum" != "$want" ]; then
    fail "the slipway in $file was not run, because its SHA-256 is $sum, and digests.txt of the action has $want for $version; it came from $shown"
  fi
  chmod 755 program
  program=$store/slipway$exe
  # Another job may have put it there. On Windows it cannot be replaced while it is running.
  mv -f program "$program" 2>/dev/null || true
  is_release "$program" || fail "$program cannot be written"
  : >"$store.complete" # as actions/tool-cache marks a directory
}

# download saves a URL to a file. It tries again when the server or the network may recover.
download() {
  shown=$1
  case $shown in
    *://*@*) shown=${shown%%://*}://${shown#*@} ;; # without a password
  esac
  if ! command -v curl >/dev/null; then
    fail "slipway $version cannot be downloaded, because curl is not on this runner; install it in a step before this one, or slipway itself, as in run: pip install slipway-ci==${version#v}"
  fi
  say "downloading $shown"
  local attempt status problem
  for attempt in 1 2 3 4; do
    if [ "$attempt" != 1 ]; then
      say "$problem; trying again"
      sleep $((attempt * attempt))
    fi
    if status=$(curl --silent --show-error --location --proto '=http,https' --proto-redir '=http,https' --connect-timeout 15 \
      --speed-limit 1000 --speed-time 30 --max-time 180 --max-filesize 300000000 --write-out '%{http_code}' --output "$2" "$1" 2>error); then
      problem="the server answers with HTTP status $status"
      case $status in
        200) return ;;
        408 | 429 | 5*) ;;
        *) break ;;
      esac
    else
      problem=$(tail -n 1 error)
    fi
  done
  fail "slipway $version cannot be downloaded from $shown: $problem. On a runner without internet, set SLIPWAY_DOWNLOAD_URL to a mirror of the releases, or put slipway on PATH, as in run: pip install slipway-ci==${version#v}"
}

# unpack prints the program in an archive. Git's bash has unzip, and Windows has a tar that reads zip files.
unpack() {
  if [ "$archive" = tar.gz ]; then
    tar -xzOf - slipway <"$1"
  elif command -v unzip >/dev/null; then
    unzip -p "$1" slipway.exe
  else
    "$SYSTEMROOT/System32/tar.exe" -xOf "$1" slipway.exe
  fi
}

# build compiles the sources of this ref and sets program. Variables of the job that change how Go builds do not count.
build() {
  if ! command -v go >/dev/null; then
    fail "this ref of the action is not a release, so slipway has to be compiled, and Go is not on this runner; take a release, as in uses: $newest, or add this line before the step: - uses: actions/setup-go@v6"
  fi
  say "compiling slipway, because this ref of the action is not a release"
  unset GOOS GOARCH GOARM64 GOAMD64 GOEXPERIMENT
  export CGO_ENABLED=0 GOWORK=off GOTOOLCHAIN=auto GOFLAGS=-mod=readonly
  GOOS=$(go env GOHOSTOS) GOARCH=$(go env GOHOSTARCH)
  export GOOS GOARCH
  mkdir -p "$RUNNER_TEMP/slipway/sources"
  program=$RUNNER_TEMP/slipway/sources/slipway$exe
  go build -C "$root" -trimpath -buildvcs=false -tags=grpcnotrace -o "$program" ./cmd/slipway
}

if [ "${1:-}" = sources ]; then
  sources "$2"
  exit
fi
find_platform
need cat chmod cut dirname find head mkdir mktemp mv rm sort tail tee tr xargs
if [ -z "${RUNNER_TEMP:-}" ] || [ -z "${GITHUB_OUTPUT:-}" ]; then
  fail "this runner sets no RUNNER_TEMP or no GITHUB_OUTPUT; update it"
fi
read_version
if [ -n "$version" ]; then find_release; else build; fi
echo "program=$program" >>"$GITHUB_OUTPUT"
