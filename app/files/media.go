package files

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"vitrine/app/id"
	"vitrine/app/storage"
)

// picture serves one size of an image. Its address names its content for ever, so it may be kept for ever.
func (h *Handler) picture(c echo.Context) error {
	f, width, format, ok := parseSize(c.Param("id"), c.Param("size"))
	if !ok {
		return echo.ErrNotFound
	}
	ctx, key := c.Request().Context(), sizeKey(f, width, format)
	body, o, err := h.Service.open(ctx, key, c.Request().Method == http.MethodHead)
	if errors.Is(err, storage.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	defer body.Close()
	hd := c.Response().Header()
	hd.Set("Cache-Control", "public, max-age=31536000, immutable")
	hd.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'") // on the shop's host too
	hd.Set("ETag", o.ETag)
	if strings.Contains(c.Request().Header.Get("If-None-Match"), o.ETag) {
		return c.NoContent(http.StatusNotModified)
	}
	hd.Set(echo.HeaderContentType, "image/"+format)
	hd.Set(echo.HeaderContentLength, strconv.FormatInt(o.Size, 10))
	c.Response().WriteHeader(http.StatusOK)
	if _, err := io.Copy(c.Response(), body); err != nil {
		slog.DebugContext(ctx, "picture not sent to its end", "file", f.String(), "err", err)
	}
	return nil
}

func (s *Service) open(ctx context.Context, key string, headOnly bool) (io.ReadCloser, storage.Object, error) {
	if headOnly {
		o, err := s.bucket.Head(ctx, key)
		return http.NoBody, o, err
	}
	return s.bucket.Get(ctx, key, 0, 0)
}

// parseSize reads "720.jpg" in the one way that we write it.
func parseSize(file, size string) (f id.File, width int, format string, ok bool) {
	f, err := id.Parse[id.FileKind](file)
	if err != nil || f.String() != file {
		return f, 0, "", false
	}
	digits, ending, _ := strings.Cut(size, ".")
	width, err = strconv.Atoi(digits)
	if err != nil || strconv.Itoa(width) != digits || width < 1 || width > Widths[len(Widths)-1] {
		return f, 0, "", false
	}
	for format, e := range endings {
		if e == ending {
			return f, width, format, true
		}
	}
	return f, 0, "", false
}
