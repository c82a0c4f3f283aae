package image

import (
	"archive/tar"
	"context"
	"encoding/binary"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
)

// carried is the size from which what is deflated already goes into a layer as it is. A
// smaller file costs less when it is deflated anew, together with its neighbours.
const carried = 2 << 10

// members write a gzip stream of several members (RFC 1952, section 2.2), of which readers
// make one. What somebody else has deflated is a member of its own: it need not be deflated
// again, and is inflated but once, for the layer's diffID.
type members struct {
	to    io.Writer
	plain hash.Hash
	zip   *gzip.Writer
	// begun tells that a member has been begun, and carrying that what is written to it is
	// in the stream already.
	begun, carrying bool
}

func newMembers(to io.Writer, plain hash.Hash) (*members, error) {
	zip, err := gzip.NewWriterLevel(to, level)
	return &members{to: to, plain: plain, zip: zip}, err
}

// Write takes what the tar is made of.
func (m *members) Write(b []byte) (int, error) {
	_, _ = m.plain.Write(b)
	if m.carrying {
		return len(b), nil
	}
	m.begun = true
	return m.zip.Write(b)
}

// end ends the member that has been begun.
func (m *members) end() error {
	if !m.begun {
		return nil
	}
	m.begun = false
	err := m.zip.Close()
	m.zip.Reset(m.to)
	return err
}

// carry writes an entry with the deflate stream that it has.
func (m *members) carry(ctx context.Context, archive *tar.Writer, e entry) error {
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
	if _, err := m.to.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}); err != nil { // no name, no time, no system
		return err
	}
	m.carrying = true
	err := e.deflated.Copy(&contextWriter{ctx, archive}, m.to)
	m.carrying = false
	if err != nil {
		return err
	}
	trailer := binary.LittleEndian.AppendUint32(nil, e.deflated.CRC)
	_, err = m.to.Write(binary.LittleEndian.AppendUint32(trailer, uint32(e.size)))
	return err
}

// contextWriter ends when its context does.
type contextWriter struct {
	ctx context.Context
	io.Writer
}

func (w *contextWriter) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(b)
}
