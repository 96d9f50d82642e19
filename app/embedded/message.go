package embedded

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// Mail is one message as it was received by one recipient: To is the address that the server was given.
type Mail struct {
	ID, From, To, Subject, ReplyTo, Text, HTML string
	Headers                                    mail.Header
	At                                         time.Time
}

func parseMail(raw []byte) (Mail, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	dec := &mime.WordDecoder{}
	header := func(name string) string {
		v, err := dec.DecodeHeader(msg.Header.Get(name))
		if err != nil {
			return msg.Header.Get(name)
		}
		return v
	}
	m := Mail{From: header("From"), Subject: header("Subject"), ReplyTo: header("Reply-To"), Headers: msg.Header}
	if a, err := mail.ParseAddress(m.ReplyTo); err == nil {
		m.ReplyTo = a.Address
	}
	return m, m.readPart(textproto.MIMEHeader(msg.Header), msg.Body)
}

// readPart takes the first text and the first HTML of a message, however they are nested; attachments are left out.
func (m *Mail) readPart(h textproto.MIMEHeader, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.readPart(p.Header, p); err != nil {
				return err
			}
		}
	}
	if d, _, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && d == "attachment" {
		return nil
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	switch {
	case kind == "text/html" && m.HTML == "":
		m.HTML = string(b)
	case kind == "text/plain" && m.Text == "":
		m.Text = strings.ReplaceAll(string(b), "\r\n", "\n")
	}
	return nil
}
