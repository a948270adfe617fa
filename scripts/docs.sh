#!/usr/bin/env bash
# Makes the site of the documentation: target/book/index.html. It needs mdBook, which is installed by cargo where it is
# missing; nothing else of perfvt needs it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cargo/bin:$PATH"

command -v mdbook > /dev/null || cargo install --locked mdbook

# The book's sources are the documents, with the texts beside them that they point to: links to what is outside lead to copies.
book=target/book
source=$book.src
rm -rf "$source" "$book"
mkdir -p "$source"
cp -a docs/. "$source"
cp perf.conf "$source"
sed 's#](docs/#](#g; s#](SUMMARY.md)#](how-to/old-results.md)#g' README.md > "$source/README.md"
for crate in stats cartesian; do cp "$crate/README.md" "$source/crate-$crate.md"; done
sed 's#](docs/#](#g' SECURITY.md > "$source/reporting.md"
sed 's#](docs/#](#g; s#](SECURITY.md)#](reporting.md)#g' CONTRIBUTING.md > "$source/CONTRIBUTING.md"
sed -i -E 's#\]\(\.\./(stats|cartesian)/README\.md#](crate-\1.md#g; s#\]\(\.\./SECURITY\.md#](reporting.md#g; s#\]\(\.\./perf\.conf#](perf.conf#g' "$source"/*.md
cat >> "$source/SUMMARY.md" << 'PARTS'
- [Contributing](CONTRIBUTING.md)
- [The crate of statistics](crate-stats.md)
- [The crate of configurations](crate-cartesian.md)
- [Reporting a fault of security](reporting.md)
PARTS
MDBOOK_BOOK__SRC=$source mdbook build
echo "documentation: $PWD/$book/index.html"
