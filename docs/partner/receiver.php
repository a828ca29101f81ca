<?php

// Receives our webhooks with PHP's standard library only (PHP 8.1 or later). Behind your web server, or to try it:
//
//   SIGNING_SECRETS='whsec_…' STORE=./webhooks php -S 127.0.0.1:8080 receiver.php

declare(strict_types=1);

const TOLERANCE_SECONDS = 5 * 60;
// Our bodies are at most a third of it, even with encrypted fields.
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Whether a request is ours and recent.
 *
 * @param string[] $keys one, or two during a rotation
 * @param string $body the bytes as they arrived
 */
function is_genuine(array $keys, string $id, string $timestamp, string $signatures, string $body, int $now): bool
{
    if (abs($now - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    foreach ($keys as $key) {
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
        foreach (explode(' ', $signatures) as $signature) {
            if (hash_equals($expected, $signature)) { // in constant time
                return true;
            }
        }
    }
    return false;
}

/**
 * Stores a webhook once for each id, as a file. In a database: INSERT … ON CONFLICT (id) DO NOTHING. If you receive several
 * types, store the header event-type too: a body does not name its type.
 */
function keep(string $store, string $id, string $body): bool
{
    $written = "$store/" . uniqid("$id.", true) . '.part';
    if (file_put_contents($written, $body) !== strlen($body)) {
        return false;
    }
    // The link fails if the id is there already, which is fine: a webhook may arrive twice.
    $is_kept = @link($written, "$store/$id") || is_file("$store/$id");
    unlink($written);
    return $is_kept;
}

/** Decodes a secret as we gave it, whsec_…. */
function signing_key(string $secret): string
{
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    if ($key === false || strlen($key) < 24) {
        throw new UnexpectedValueException('not a signing secret: whsec_ and the base64 of 24 to 64 bytes');
    }
    return $key;
}

/** Verifies, stores and responds. Longer work is done later, from what was stored. */
function status_for(string $secrets, string $store): int
{
    $keys = array_map('signing_key', explode(' ', $secrets));
    $body = file_get_contents('php://input', length: MAX_BODY_BYTES + 1);
    if ($body === false || strlen($body) > MAX_BODY_BYTES) {
        return 413;
    }
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
    $is_complete = preg_match('/^[A-Za-z0-9_-]{1,64}$/D', $id) && preg_match('/^[0-9]{1,12}$/D', $timestamp);
    if (!$is_complete || $signatures === '') {
        return 400;
    }
    // After a 401 we read your secret again and retry once: it may have been rotated just now.
    if (!is_genuine($keys, $id, $timestamp, $signatures, $body, time())) {
        return 401;
    }
    // The connection test: verify it, and store nothing.
    return str_starts_with($id, 'wh_test_') || keep($store, $id, $body) ? 204 : 503;
}

try {
    http_response_code(status_for((string) getenv('SIGNING_SECRETS'), (string) getenv('STORE')));
} catch (Throwable $thrown) {
    error_log($thrown->getMessage());
    http_response_code(503);
}
