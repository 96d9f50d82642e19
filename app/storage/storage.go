// Package storage keeps files in a bucket of any S3.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Bucket is one bucket.
type Bucket struct {
	name    string
	client  *s3.Client
	presign *s3.PresignClient
}

// Options name the bucket. Endpoint is empty for AWS itself.
type Options struct{ Endpoint, Region, Key, Secret, Bucket string }

// ErrNotFound says that there is no such object.
var ErrNotFound = errors.New("storage: not found")

// Open returns the bucket without asking whether it is there.
func Open(o Options) *Bucket {
	opt := s3.Options{
		Region:                     o.Region,
		Credentials:                credentials.NewStaticCredentialsProvider(o.Key, o.Secret, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		RetryMaxAttempts:           3,
	}
	if o.Endpoint != "" {
		opt.BaseEndpoint, opt.UsePathStyle = &o.Endpoint, true
	}
	c := s3.New(opt)
	return &Bucket{o.Bucket, c, s3.NewPresignClient(c)}
}

// Ensure makes the bucket if it is missing.
func (b *Bucket) Ensure(ctx context.Context) error {
	if _, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name}); err == nil {
		return nil
	}
	_, err := b.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &b.name})
	var have *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &have) {
		return fmt.Errorf("make bucket %s: %w", b.name, err)
	}
	return nil
}

// Object is what is known of a stored file.
type Object struct {
	Size        int64
	ContentType string
	ETag        string
}

// Put stores body, which must be seekable so that a failed try can be repeated.
func (b *Bucket) Put(ctx context.Context, key, contentType string, body io.ReadSeeker) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, ContentType: &contentType, Body: body})
	return b.named("put", key, err)
}

// Get opens an object, from byte `from` on when it is not 0. The caller closes it.
func (b *Bucket) Get(ctx context.Context, key string, from, length int64) (io.ReadCloser, Object, error) {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &key}
	if length > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", from, from+length-1))
	}
	out, err := b.client.GetObject(ctx, in)
	if err != nil {
		return nil, Object{}, b.named("get", key, err)
	}
	return out.Body, Object{aws.ToInt64(out.ContentLength), aws.ToString(out.ContentType), aws.ToString(out.ETag)}, nil
}

// Head asks about an object.
func (b *Bucket) Head(ctx context.Context, key string) (Object, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return Object{}, b.named("head", key, err)
	}
	return Object{aws.ToInt64(out.ContentLength), aws.ToString(out.ContentType), aws.ToString(out.ETag)}, nil
}

// Delete removes an object; one that is not there is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
	return b.named("delete", key, err)
}

// Copy puts a second copy of an object beside it in the bucket, up to 5 GiB, without a byte passing through us.
func (b *Bucket) Copy(ctx context.Context, from, to string) error {
	_, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.name, Key: &to, CopySource: aws.String(b.name + "/" + from)})
	return b.named("copy", from, err)
}

// PresignGet returns an address that opens the object for ttl, answered with the given
// Content-Disposition and type.
func (b *Bucket) PresignGet(ctx context.Context, key string, ttl time.Duration, disposition, contentType string) (string, error) {
	r, err := b.presign.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.name, Key: &key, ResponseContentDisposition: &disposition, ResponseContentType: &contentType,
		ResponseCacheControl: aws.String("private, no-store"),
	}, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", b.named("presign", key, err)
	}
	return r.URL, nil
}

// Part is one uploaded piece of a multipart upload.
type Part struct {
	Number int32
	ETag   string
	Size   int64
}

// CreateMultipart begins an upload in parts and returns its id.
func (b *Bucket) CreateMultipart(ctx context.Context, key, contentType string) (string, error) {
	out, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: &key, ContentType: &contentType})
	if err != nil {
		return "", b.named("begin upload of", key, err)
	}
	return aws.ToString(out.UploadId), nil
}

// PresignPart returns an address to which exactly size bytes of part n may be PUT within ttl.
func (b *Bucket) PresignPart(ctx context.Context, key, upload string, n int32, size int64, ttl time.Duration) (string, error) {
	r, err := b.presign.PresignUploadPart(ctx, &s3.UploadPartInput{
		Bucket: &b.name, Key: &key, UploadId: &upload, PartNumber: &n, ContentLength: &size,
	}, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", b.named("presign part of", key, err)
	}
	return r.URL, nil
}

// ListParts returns the parts that have arrived, in order.
func (b *Bucket) ListParts(ctx context.Context, key, upload string) ([]Part, error) {
	var parts []Part
	p := s3.NewListPartsPaginator(b.client, &s3.ListPartsInput{Bucket: &b.name, Key: &key, UploadId: &upload})
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, b.named("list parts of", key, err)
		}
		for _, x := range out.Parts {
			parts = append(parts, Part{aws.ToInt32(x.PartNumber), aws.ToString(x.ETag), aws.ToInt64(x.Size)})
		}
	}
	return parts, nil
}

// Complete joins the parts.
func (b *Bucket) Complete(ctx context.Context, key, upload string, parts []Part) error {
	in := &s3.CompleteMultipartUploadInput{Bucket: &b.name, Key: &key, UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{}}
	for _, p := range parts {
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{PartNumber: aws.Int32(p.Number), ETag: aws.String(p.ETag)})
	}
	_, err := b.client.CompleteMultipartUpload(ctx, in)
	return b.named("complete", key, err)
}

// Abort throws an unfinished upload away; one that is not there is no error.
func (b *Bucket) Abort(ctx context.Context, key, upload string) error {
	_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: &key, UploadId: &upload})
	if err = b.named("abort", key, err); errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Upload is a multipart upload that was begun and not ended.
type Upload struct {
	Key, ID string
	Begun   time.Time
}

// Unfinished lists the open multipart uploads of keys that begin with prefix.
func (b *Bucket) Unfinished(ctx context.Context, prefix string) ([]Upload, error) {
	var all []Upload
	p := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &prefix})
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, b.named("list uploads of", prefix, err)
		}
		for _, u := range out.Uploads {
			all = append(all, Upload{aws.ToString(u.Key), aws.ToString(u.UploadId), aws.ToTime(u.Initiated)})
		}
	}
	return all, nil
}

func (b *Bucket) named(verb, key string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchKey", "NotFound", "NoSuchUpload":
			return fmt.Errorf("%s %s: %w", verb, key, ErrNotFound)
		}
	}
	return fmt.Errorf("%s %s: %w", verb, key, err)
}
