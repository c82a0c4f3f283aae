package image

import (
	"archive/tar"
	"context"
	"encoding/binary"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
)

// minDeflated is the size in bytes from which deflated content is copied into a layer as it is.
// For smaller files it is cheaper to compress them again, together with their neighbours.
const minDeflated = 2 << 10

// members writes a gzip stream of several members (RFC 1952, section 2.2), which readers
// treat as one. Content that is already deflated becomes a member of its own. It is not
// compressed again, and is inflated only once, for the layer's diffID.
type members struct {
	to    io.Writer
	plain hash.Hash
	zip   *gzip.Writer
	// begun reports whether a member has been begun. copying reports whether the bytes
	// passed to Write are already in the stream.
	begun, copying bool
}

// newMembers returns members that write compressed bytes to to and plain bytes to plain.
func newMembers(to io.Writer, plain hash.Hash) (*members, error) {
	zip, err := gzip.NewWriterLevel(to, gzipLevel)
	return &members{to: to, plain: plain, zip: zip}, err
}

// Write writes bytes of the tar archive.
func (m *members) Write(b []byte) (int, error) {
	_, _ = m.plain.Write(b)
	if m.copying {
		return len(b), nil
	}
	m.begun = true
	return m.zip.Write(b)
}

// end ends the member that has been begun, if any.
func (m *members) end() error {
	if !m.begun {
		return nil
	}
	m.begun = false
	err := m.zip.Close()
	m.zip.Reset(m.to)
	return err
}

// writeDeflated writes an entry whose content is already deflated.
func (m *members) writeDeflated(ctx context.Context, archive *tar.Writer, e entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	header := header(tar.TypeReg, e.name, int64(e.mode.Perm()), e.owner)
	header.Size = e.size
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if err := m.end(); err != nil {
		return err
	}
	// The gzip header has no name, time or operating system.
	if _, err := m.to.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}); err != nil {
		return err
	}
	m.copying = true
	err := e.deflated.Copy(&contextWriter{ctx, archive}, m.to)
	m.copying = false
	if err != nil {
		return err
	}
	trailer := binary.LittleEndian.AppendUint32(nil, e.deflated.CRC)
	_, err = m.to.Write(binary.LittleEndian.AppendUint32(trailer, uint32(e.size)))
	return err
}

// contextWriter is a writer that fails once its context is done.
type contextWriter struct {
	ctx context.Context
	io.Writer
}

// Write implements io.Writer.
func (w *contextWriter) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}
