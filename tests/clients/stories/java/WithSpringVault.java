import java.net.URI;
import java.util.Map;
import org.springframework.vault.VaultException;
import org.springframework.vault.authentication.TokenAuthentication;
import org.springframework.vault.client.VaultEndpoint;
import org.springframework.vault.core.VaultKeyValueOperations;
import org.springframework.vault.core.VaultKeyValueOperationsSupport.KeyValueBackend;
import org.springframework.vault.core.VaultTemplate;
import org.springframework.vault.core.VaultTransitOperations;

/** The story with Spring Vault. */
public class WithSpringVault {
    private static VaultTemplate template(String token) {
        return new VaultTemplate(VaultEndpoint.from(URI.create(Story.ADDRESS)), new TokenAuthentication(token));
    }

    public static void main(String[] arguments) {
        VaultKeyValueOperations secrets = template(Story.TOKEN).opsForKeyValue("secret", KeyValueBackend.KV_2);
        secrets.put("app/db", Map.of("password", "s3cr3t"));
        Object password = secrets.get("app/db").getData().get("password");
        int absent = secrets.get("app/none") == null ? 404 : 200;
        VaultTransitOperations transit = template(Story.TOKEN).opsForTransit("transit");
        String opened = transit.decrypt("orders", transit.encrypt("orders", "four score"));
        int refused = 200;
        try {
            template("other").opsForKeyValue("secret", KeyValueBackend.KV_2).get("app/db");
        } catch (VaultException error) {
            refused = error.getMessage().contains("403") ? 403 : 0;
        }
        Story.print(password, absent, java.util.Base64.getEncoder().encodeToString(opened.getBytes()), refused);
    }
}
