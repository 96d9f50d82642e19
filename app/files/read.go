package files

import (
	"context"
	"io"
	"strings"

	"vitrine/app/storage"
)

// ReadSize opens one size of a picture by its address, as PictureSource has it.
func (s *Service) ReadSize(ctx context.Context, url string) (io.ReadCloser, error) {
	at := strings.LastIndex(url, "/m/")
	if at < 0 {
		return nil, storage.ErrNotFound
	}
	file, size, _ := strings.Cut(url[at+len("/m/"):], "/")
	f, width, format, ok := parseSize(file, size)
	if !ok {
		return nil, storage.ErrNotFound
	}
	body, _, err := s.open(ctx, sizeKey(f, width, format), false)
	return body, err
}
