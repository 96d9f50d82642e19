//go:build !lean

package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"vitrine/app/config"
	"vitrine/app/sandbox"
)

// sandboxAlone serves the stand-ins for a web and a worker that run elsewhere, with the keys they are set to.
func sandboxAlone(ctx context.Context, cfg *config.Config, _ []string, out io.Writer) error {
	port := cfg.SandboxPort
	if port == 0 {
		port = cfg.Port + 1
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	s, err := sandbox.Start(ctx, sandbox.Options{
		Dir: filepath.Join(cfg.Data, "sandbox"), Addr: addr, BaseURL: "http://" + addr,
		StripeKey: cfg.StripeSecretKey.Reveal(), WebhookSecret: cfg.StripeWebhookSecret.Reveal(), WebhookURL: cfg.AppURL + "/webhooks/stripe",
		PayPalClientID: cfg.PayPalClientID, PayPalSecret: cfg.PayPalClientSecret.Reveal(), PayPalWebhookURL: cfg.AppURL + "/webhooks/paypal",
		GoogleID: cfg.GoogleClientID, GoogleSecret: cfg.GoogleClientSecret.Reveal(), GoogleRedirects: []string{cfg.AppURL + "/auth/google/back"},
	})
	if err != nil {
		return err
	}
	defer s.Close()
	pp, roots := s.PayPal(), filepath.Join(cfg.Data, "paypal-roots.pem")
	if err := os.WriteFile(roots, pp.CACert(), 0o600); err != nil {
		return err
	}
	fmt.Fprintf(out, "STRIPE_API_URL=%s/stripe\nSTRIPE_CHECKOUT_ORIGIN=%s\nGOOGLE_ISSUER=%s/google\n", s.URL(), s.URL(), s.URL())
	fmt.Fprintf(out, "PAYPAL_API_URL=%s\nPAYPAL_CHECKOUT_ORIGIN=%s\nPAYPAL_WEBHOOK_ID=%s\nPAYPAL_CERT_HOSTS=%s\nPAYPAL_CERT_ROOTS=%s\n", pp.URL(), s.URL(), pp.WebhookID(), addr, roots)
	<-ctx.Done()
	return nil
}
