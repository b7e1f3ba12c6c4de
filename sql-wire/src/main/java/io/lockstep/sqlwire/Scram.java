package io.lockstep.sqlwire;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Proving a password without telling it: the arithmetic of SCRAM-SHA-256 (RFC 5802, 7677), over a text that both sides
 * make from what was said. Safe from any thread, because nothing is kept.
 */
public final class Scram {
    /** Rounds of the key derivation: the least that RFC 7677 allows. */
    public static final int ITERATIONS = 4096;

    private Scram() {}

    /**
     * What a node keeps of a password.
     *
     * @param storedKey tells a right proof from a wrong one, 32 bytes
     * @param serverKey signs, 32 bytes
     */
    public record Verifier(byte[] salt, int iterations, byte[] storedKey, byte[] serverKey) {}

    /** What a node keeps of that password. */
    public static Verifier verifier(char[] password, byte[] salt, int iterations) {
        byte[] salted = salted(password, salt, iterations);
        return new Verifier(salt, iterations, sha256(hmac(salted, "Client Key")), hmac(salted, "Server Key"));
    }

    /**
     * The text that proof and signature are made over.
     *
     * @param fullNonce the client's, continued by the node
     */
    public static String said(String user, String fullNonce, byte[] salt, int iterations) {
        return user.length() + ":" + user + "," + fullNonce + ","
                + HexFormat.of().formatHex(salt) + "," + iterations;
    }

    /** The client's proof that it knows the password, 32 bytes. */
    public static byte[] proof(char[] password, byte[] salt, int iterations, String said) {
        byte[] clientKey = hmac(salted(password, salt, iterations), "Client Key");
        return xor(clientKey, hmac(sha256(clientKey), said));
    }

    /** Whether a proof was made with the password. */
    public static boolean isProved(Verifier verifier, String said, byte[] proof) {
        if (proof.length != verifier.storedKey().length) {
            return false;
        }
        byte[] clientKey = xor(proof, hmac(verifier.storedKey(), said));
        return MessageDigest.isEqual(sha256(clientKey), verifier.storedKey());
    }

    /** The node's proof that it knows the password too, 32 bytes. */
    public static byte[] signature(Verifier verifier, String said) {
        return hmac(verifier.serverKey(), said);
    }

    /** Whether the other side knows the password. */
    public static boolean isSigned(char[] password, byte[] salt, int iterations, String said, byte[] signature) {
        byte[] serverKey = hmac(salted(password, salt, iterations), "Server Key");
        return MessageDigest.isEqual(hmac(serverKey, said), signature);
    }

    private static byte[] salted(char[] password, byte[] salt, int iterations) {
        PBEKeySpec spec = new PBEKeySpec(password, salt, iterations, 256);
        try {
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(spec)
                    .getEncoded();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has PBKDF2WithHmacSHA256", e);
        } finally {
            spec.clearPassword();
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has HmacSHA256", e);
        }
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static byte[] xor(byte[] one, byte[] other) {
        byte[] result = one.clone();
        for (int i = 0; i < result.length; i++) {
            result[i] ^= other[i];
        }
        return result;
    }
}
