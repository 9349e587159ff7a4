"""The resources of Google Cloud that have IAM policies, as the plugin knows them.

Source: ``vault-plugin-secrets-gcp`` 0.24.0, ``iamutil/resources_generated.go`` and ``resource_overrides.go``: types of
resources by service and versions of its API.
"""

from __future__ import annotations

TYPES: dict[str, str] = {
    "accesscontextmanager v1*": "accessPolicies",
    "aiplatform v1* v1beta1": (
        "projects/locations/datasets projects/locations/featureGroups projects/locations/featureOnlineStores "
        "projects/locations/featureOnlineStores/featureViews projects/locations/featurestores "
        "projects/locations/featurestores/entityTypes projects/locations/models "
        "projects/locations/notebookRuntimeTemplates projects/locations/reasoningEngines"
    ),
    "aiplatform v1beta1": "projects/locations/endpoints",
    "analyticshub v1*": "projects/locations/subscriptions",
    "analyticshub v1* v1beta1": "projects/locations/dataExchanges projects/locations/dataExchanges/listings",
    "apigateway v1* v1beta": "projects/locations/apis projects/locations/apis/configs projects/locations/gateways",
    "apigee v1*": "organizations/environments organizations/environments/deployments organizations/spaces",
    "apigeeregistry v1*": (
        "projects/locations/apis projects/locations/apis/artifacts projects/locations/apis/deployments "
        "projects/locations/apis/versions projects/locations/apis/versions/artifacts "
        "projects/locations/apis/versions/specs projects/locations/apis/versions/specs/artifacts "
        "projects/locations/artifacts projects/locations/documents projects/locations/instances "
        "projects/locations/runtime"
    ),
    "apphub v1* v1alpha": "projects/locations/applications",
    "artifactregistry v1* v1beta1 v1beta2": "projects/locations/repositories",
    "backupdr v1*": "projects/locations/managementServers",
    "beyondcorp v1* v1alpha": (
        "projects/locations/appConnections projects/locations/appConnectors projects/locations/appGateways "
        "projects/locations/securityGateways projects/locations/securityGateways/applications"
    ),
    "beyondcorp v1alpha": (
        "projects/locations/applicationDomains projects/locations/applications projects/locations/connections "
        "projects/locations/connectors"
    ),
    "biglake v1*": "projects/catalogs projects/catalogs/namespaces projects/catalogs/namespaces/tables",
    "bigquery v2*": "projects/datasets projects/datasets/routines projects/datasets/tables",
    "bigqueryconnection v1* v1beta1": "projects/locations/connections",
    "bigquerydatapolicy v1 v2*": "projects/locations/dataPolicies",
    "bigqueryreservation v1*": "projects/locations/reservations projects/locations/reservations/assignments",
    "bigtableadmin v2*": (
        "projects/instances projects/instances/clusters/backups projects/instances/logicalViews "
        "projects/instances/materializedViews projects/instances/tables projects/instances/tables/authorizedViews "
        "projects/instances/tables/schemaBundles"
    ),
    "binaryauthorization v1* v1beta1": "projects/attestors projects/policy",
    "cloudbilling v1*": "billingAccounts",
    "cloudbuild v2*": "projects/locations/connections",
    "clouddeploy v1*": (
        "projects/locations/customTargetTypes projects/locations/deliveryPipelines "
        "projects/locations/deployPolicies projects/locations/targets"
    ),
    "cloudfunctions v1 v2* v2alpha v2beta": "projects/locations/functions",
    "cloudkms v1*": (
        "projects/locations/ekmConfig projects/locations/ekmConnections projects/locations/keyRings "
        "projects/locations/keyRings/cryptoKeys projects/locations/keyRings/importJobs"
    ),
    "cloudresourcemanager v1 v1beta1 v3*": "organizations projects",
    "cloudresourcemanager v2 v2beta1 v3*": "folders",
    "cloudresourcemanager v3*": "tagKeys tagValues",
    "cloudtasks v2* v2beta2 v2beta3": "projects/locations/queues",
    "compute alpha": (
        "projects/interconnects projects/licenseCodes projects/recoverableSnapshots "
        "projects/regions/interconnectAttachments projects/regions/recoverableSnapshots"
    ),
    "compute alpha beta": (
        "projects/regions/backendBuckets projects/regions/instantSnapshotGroups projects/regions/snapshots "
        "projects/snapshotGroups projects/zones/instantSnapshotGroups"
    ),
    "compute alpha beta v1*": (
        "firewallPolicies projects/backendBuckets projects/backendServices projects/firewallPolicies "
        "projects/images projects/instanceTemplates projects/interconnectAttachmentGroups "
        "projects/interconnectGroups projects/licenses projects/machineImages projects/regions/backendServices "
        "projects/regions/disks projects/regions/firewallPolicies projects/regions/instantSnapshots "
        "projects/regions/networkAttachments projects/regions/nodeTemplates projects/regions/resourcePolicies "
        "projects/regions/serviceAttachments projects/regions/subnetworks projects/snapshots projects/zones/disks "
        "projects/zones/instances projects/zones/instantSnapshots projects/zones/nodeGroups "
        "projects/zones/reservations projects/zones/storagePools"
    ),
    "compute beta v1*": "projects/zones/reservationSubBlocks projects/zones/reservations/reservationBlocks",
    "config v1*": "projects/locations/deployments",
    "connectors v1": "projects/locations/connections projects/locations/providers",
    "contactcenterinsights v1*": "projects/locations/authorizedViewSets/authorizedViews",
    "containeranalysis v1* v1alpha1 v1beta1": "projects/notes projects/occurrences",
    "containeranalysis v1* v1beta1": "projects/locations/notes projects/locations/occurrences",
    "containeranalysis v1alpha1": "providers/notes",
    "datacatalog v1* v1beta1": (
        "projects/locations/entryGroups projects/locations/tagTemplates projects/locations/taxonomies "
        "projects/locations/taxonomies/policyTags"
    ),
    "dataform v1* v1beta1": (
        "projects/locations/folders projects/locations/repositories projects/locations/repositories/workspaces "
        "projects/locations/teamFolders"
    ),
    "datafusion v1* v1beta1": "projects/locations/instances",
    "datafusion v1beta1": "projects/locations/instances/namespaces",
    "datamigration v1*": (
        "projects/locations/conversionWorkspaces projects/locations/migrationJobs/objects "
        "projects/locations/privateConnections"
    ),
    "datamigration v1* v1beta1": "projects/locations/connectionProfiles projects/locations/migrationJobs",
    "dataplex v1*": (
        "organizations/locations/encryptionConfigs projects/locations/aspectTypes "
        "projects/locations/changeRequests projects/locations/dataAttributeBindings "
        "projects/locations/dataProducts projects/locations/dataScans projects/locations/dataTaxonomies "
        "projects/locations/dataTaxonomies/attributes projects/locations/entryGroups "
        "projects/locations/entryLinkTypes projects/locations/entryTypes projects/locations/glossaries "
        "projects/locations/glossaries/categories projects/locations/glossaries/terms "
        "projects/locations/governanceRules projects/locations/lakes projects/locations/lakes/environments "
        "projects/locations/lakes/tasks projects/locations/lakes/zones projects/locations/lakes/zones/assets "
        "projects/locations/policyIntents"
    ),
    "dataproc v1*": (
        "projects/locations/autoscalingPolicies projects/locations/workflowTemplates "
        "projects/regions/autoscalingPolicies projects/regions/clusters projects/regions/jobs "
        "projects/regions/operations projects/regions/workflowTemplates"
    ),
    "deploymentmanager alpha v2* v2beta": "projects/deployments",
    "discoveryengine v1* v1alpha v1beta": "projects/locations/collections/engines",
    "dns v1* v1beta2": "projects/managedZones",
    "domains v1* v1alpha2 v1beta1": "projects/locations/registrations",
    "eventarc v1*": (
        "projects/locations/channelConnections projects/locations/channels projects/locations/enrollments "
        "projects/locations/googleApiSources projects/locations/messageBuses projects/locations/pipelines "
        "projects/locations/triggers"
    ),
    "gkebackup v1*": (
        "projects/locations/backupPlans projects/locations/backupPlans/backups "
        "projects/locations/backupPlans/backups/volumeBackups projects/locations/restorePlans "
        "projects/locations/restorePlans/restores projects/locations/restorePlans/restores/volumeRestores"
    ),
    "gkehub v1 v1alpha v1beta": "projects/locations/features projects/locations/scopes",
    "gkehub v1 v1alpha v1beta v1beta1": "projects/locations/memberships",
    "gkeonprem v1*": (
        "projects/locations/bareMetalAdminClusters projects/locations/bareMetalClusters "
        "projects/locations/bareMetalClusters/bareMetalNodePools projects/locations/vmwareAdminClusters "
        "projects/locations/vmwareClusters projects/locations/vmwareClusters/vmwareNodePools"
    ),
    "healthcare v1* v1beta1": (
        "projects/locations/datasets projects/locations/datasets/consentStores "
        "projects/locations/datasets/dataMapperWorkspaces projects/locations/datasets/dicomStores "
        "projects/locations/datasets/fhirStores"
    ),
    "iam v1": "locations/workforcePools projects/locations/workloadIdentityPools projects/serviceAccounts",
    "iap v1* v1beta1": '""',
    "identitytoolkit v2": "projects/tenants",
    "logging v2*": (
        "folders/locations/buckets/views locations/buckets/views organizations/locations/buckets/views "
        "projects/locations/buckets/views"
    ),
    "managedidentities v1* v1alpha1 v1beta1": (
        "projects/locations/domains projects/locations/domains/backups projects/locations/peerings"
    ),
    "metastore v1* v1alpha v1beta": (
        "projects/locations/federations projects/locations/services projects/locations/services/backups "
        "projects/locations/services/databases projects/locations/services/databases/tables"
    ),
    "ml v1*": "projects/jobs projects/models",
    "networkconnectivity v1*": (
        "projects/locations/hubs/groups projects/locations/policyBasedRoutes projects/locations/serviceClasses "
        "projects/locations/serviceConnectionMaps projects/locations/serviceConnectionPolicies"
    ),
    "networkconnectivity v1* v1alpha1": (
        "projects/locations/hubs projects/locations/internalRanges projects/locations/spokes"
    ),
    "networkmanagement v1* v1beta1": "projects/locations/connectivityTests",
    "networksecurity v1* v1beta1": (
        "projects/locations/addressGroups projects/locations/authorizationPolicies "
        "projects/locations/authzPolicies projects/locations/clientTlsPolicies "
        "projects/locations/serverTlsPolicies"
    ),
    "networkservices v1*": (
        "projects/locations/edgeCacheKeysets projects/locations/edgeCacheOrigins projects/locations/edgeCacheServices"
    ),
    "notebooks v1": "projects/locations/runtimes",
    "notebooks v1 v2*": "projects/locations/instances",
    "privateca v1*": (
        "projects/locations/caPools projects/locations/caPools/certificateAuthorities/certificateRevocationLists "
        "projects/locations/certificateTemplates"
    ),
    "privateca v1beta1": (
        "projects/locations/certificateAuthorities "
        "projects/locations/certificateAuthorities/certificateRevocationLists projects/locations/reusableConfigs"
    ),
    "pubsub v1*": "projects/schemas projects/snapshots",
    "pubsub v1* v1beta2": "projects/subscriptions projects/topics",
    "run v1": "projects/locations/instances projects/locations/workerpools",
    "run v1 v2*": "projects/locations/jobs projects/locations/services",
    "run v2*": "projects/locations/workerPools",
    "runtimeconfig v1beta1": "projects/configs",
    "secretmanager v1* v1beta1 v1beta2": "projects/secrets",
    "secretmanager v1* v1beta2": "projects/locations/secrets",
    "securesourcemanager v1*": "projects/locations/instances projects/locations/repositories",
    "securitycenter v1* v1beta1": "organizations/sources",
    "servicedirectory v1* v1beta1": "projects/locations/namespaces projects/locations/namespaces/services",
    "servicedirectory v1beta1": "projects/locations/namespaces/workloads",
    "servicemanagement v1*": "services services/consumers",
    "spanner v1*": (
        "projects/instances projects/instances/backups projects/instances/databases "
        "projects/instances/databases/backupSchedules"
    ),
    "storage v1*": "b b/managedFolders b/o buckets buckets/objects",
    "vmwareengine v1*": (
        "projects/locations/privateClouds projects/locations/privateClouds/clusters "
        "projects/locations/privateClouds/hcxActivationKeys"
    ),
    "workstations v1* v1beta": (
        "projects/locations/workstationClusters/workstationConfigs "
        "projects/locations/workstationClusters/workstationConfigs/workstations"
    ),
}
"""Types of resources by service and versions; a star marks the preferred version."""
ADDRESSES = {
    "bigquery v2": "https://bigquery.googleapis.combigquery/v2/",
    "cloudresourcemanager v2beta1": "https://cloudresourcemanager.googleapis.com/v2/",
    "compute alpha": "https://compute.googleapis.com/compute/alpha/",
    "compute beta": "https://compute.googleapis.com/compute/beta/",
    "compute v1": "https://compute.googleapis.com/compute/v1/",
    "deploymentmanager alpha": "https://deploymentmanager.googleapis.com/deploymentmanager/alpha/",
    "deploymentmanager v2": "https://deploymentmanager.googleapis.com/deploymentmanager/v2/",
    "deploymentmanager v2beta": "https://deploymentmanager.googleapis.com/deploymentmanager/v2beta/",
    "dns v1": "https://dns.googleapis.com/dns/v1/",
    "dns v1beta2": "https://dns.googleapis.com/dns/v1beta2/",
    "storage v1": "https://storage.googleapis.com/storage/v1/",
}
"""Where the API of a service and version is, unless it is at ``https://<service>.googleapis.com/<version>/``."""
