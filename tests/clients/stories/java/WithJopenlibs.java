import io.github.jopenlibs.vault.SslConfig;
import io.github.jopenlibs.vault.Vault;
import io.github.jopenlibs.vault.VaultConfig;
import io.github.jopenlibs.vault.VaultException;
import java.io.File;
import java.util.Map;

/** The story with the driver of jopenlibs. */
public class WithJopenlibs {
    /** The driver adds "data" to paths of version 2 of the secrets engine, and so to those of any engine. */
    private static Vault vault(String token, int version) throws VaultException {
        SslConfig ssl = new SslConfig();
        if (Story.CA_FILE != null && !Story.CA_FILE.isEmpty()) {
            ssl.pemFile(new File(Story.CA_FILE));
        }
        return Vault.create(new VaultConfig().address(Story.ADDRESS).token(token).sslConfig(ssl.build()).build(), version);
    }

    private static int status(Vault vault, String path) {
        try {
            return vault.logical().read(path).getRestResponse().getStatus();
        } catch (VaultException error) {
            return error.getHttpStatusCode();
        }
    }

    public static void main(String[] arguments) throws VaultException {
        Vault vault = vault(Story.TOKEN, 2);
        Vault transit = vault(Story.TOKEN, 1);
        vault.logical().write("secret/app/db", Map.of("password", "s3cr3t"));
        String password = vault.logical().read("secret/app/db").getData().get("password");
        String sealed = transit.logical().write("transit/encrypt/orders", Map.of("plaintext", Story.PLAIN)).getData().get("ciphertext");
        String opened = transit.logical().write("transit/decrypt/orders", Map.of("ciphertext", sealed)).getData().get("plaintext");
        Story.print(password, status(vault, "secret/app/none"), opened, status(vault("other", 2), "secret/app/db"));
    }
}
