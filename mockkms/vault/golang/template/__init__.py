"""Go's ``text/template``, with the functions that Vault's ``sdk/helper/template`` adds.

    template = Template('{{ if eq .RoleName "" }}none{{ else }}{{ .RoleName | truncate 8 }}{{ end }}', functions)
    template.generate(Data("dbplugin.UsernameMetadata", {"RoleName": "reader"}))

The whole language is supported: pipelines, variables, ``if``, ``with``, ``range``, ``define``, ``block`` and
``template``. The work of one template and the length of its output are bounded, which they are not in Go. Errors
are ValueErrors with the texts of Go.
"""

from __future__ import annotations

from mockkms.vault.golang.template.executing import GoTemplate
from mockkms.vault.golang.template.naming import LONGEST, naming_functions, utf16le
from mockkms.vault.golang.template.values import Data, Function, Long

__all__ = ["LONGEST", "Data", "Function", "GoTemplate", "Long", "naming_functions", "utf16le"]
