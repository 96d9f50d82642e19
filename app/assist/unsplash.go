package assist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Unsplash is its API as far as we use it: search, and telling that a photograph is used.
type Unsplash struct {
	URL    string // https://api.unsplash.com
	Key    string
	App    string // our name in the links back, as the guidelines ask
	Client *http.Client
}

// Shot is a photograph that was found.
type Shot struct {
	ID, Raw, Color, Alt, Credit, CreditURL, Download string
	Width, Height                                    int
}

var errUnsplash = errors.New("unsplash does not answer as it should")

// Search returns photographs for some words, those that are safe for everyone.
func (u *Unsplash) Search(ctx context.Context, words string, n int) ([]Shot, error) {
	q := url.Values{"query": {words}, "per_page": {fmt.Sprint(n)}, "content_filter": {"high"}, "orientation": {"landscape"}}
	var got struct {
		Results []struct {
			ID             string `json:"id"`
			Width          int    `json:"width"`
			Height         int    `json:"height"`
			Color          string `json:"color"`
			Description    string `json:"description"`
			AltDescription string `json:"alt_description"`
			URLs           struct {
				Raw string `json:"raw"`
			} `json:"urls"`
			Links struct {
				Download string `json:"download_location"`
			} `json:"links"`
			User struct {
				Name  string `json:"name"`
				Links struct {
					HTML string `json:"html"`
				} `json:"links"`
			} `json:"user"`
		} `json:"results"`
	}
	if err := u.get(ctx, u.URL+"/search/photos?"+q.Encode(), &got); err != nil {
		return nil, err
	}
	var out []Shot
	for _, r := range got.Results {
		s := Shot{r.ID, r.URLs.Raw, r.Color, orElse(r.AltDescription, r.Description), r.User.Name, u.back(r.User.Links.HTML), r.Links.Download, r.Width, r.Height}
		if s.ID != "" && u.pictures(s.Raw) && u.own(s.Download) && s.CreditURL != "" && s.Width > 0 && s.Height > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

// Used tells Unsplash that a photograph was placed, at the address that came with it.
func (u *Unsplash) Used(ctx context.Context, download string) error {
	if !u.own(download) {
		return errUnsplash
	}
	return u.get(ctx, download, &struct{}{})
}

// back is the photographer's page, with the marks of where its reader comes from.
func (u *Unsplash) back(page string) string {
	p, err := url.Parse(page)
	if err != nil || p.Scheme != "https" || p.Hostname() != "unsplash.com" {
		return ""
	}
	q := p.Query()
	q.Set("utm_source", u.App)
	q.Set("utm_medium", "referral")
	p.RawQuery = q.Encode()
	return p.String()
}

// own reports whether an address is of the API itself; nothing else is given the key.
func (u *Unsplash) own(raw string) bool { return strings.HasPrefix(raw, u.URL+"/") }

// pictures reports whether an address is one of the host that Unsplash shows pictures from. A stand-in on a developer's
// machine shows its own.
func (u *Unsplash) pictures(raw string) bool {
	if u.URL != unsplashAPI {
		return u.own(raw)
	}
	return strings.HasPrefix(raw, "https://images.unsplash.com/") || strings.HasPrefix(raw, "https://plus.unsplash.com/")
}

const unsplashAPI = "https://api.unsplash.com"

func (u *Unsplash) get(ctx context.Context, address string, dest any) error {
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Client-ID "+u.Key)
	r.Header.Set("Accept-Version", "v1")
	res, err := u.Client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s", errUnsplash, res.Status)
	}
	return json.NewDecoder(io.LimitReader(res.Body, 2<<20)).Decode(dest)
}
