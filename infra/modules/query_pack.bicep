// Saved queries for operators, as infra/query_pack/queries.json lists them.

@description('Azure region.')
param location string

@description('Name of the query pack.')
param queryPackName string

@description('Tags of every resource.')
param tags object

var catalogue = any(loadJsonContent('../query_pack/queries.json'))

// The list names a query by the name of its file.
var texts = {
  applications: loadTextContent('../queries/applications.kql')
  findings: loadTextContent('../queries/findings.kql')
  plan_introductions: loadTextContent('../queries/plan_introductions.kql')
  collector_runs: loadTextContent('../queries/collector_runs.kql')
  noncompliant_resources: loadTextContent('../queries/noncompliant_resources.kql')
  credential_reads: loadTextContent('../query_pack/credential_reads.kql')
  function_failures: loadTextContent('../query_pack/function_failures.kql')
  notifications_received: loadTextContent('../query_pack/notifications_received.kql')
  refused_requests: loadTextContent('../query_pack/refused_requests.kql')
  registry_changes: loadTextContent('../query_pack/registry_changes.kql')
  rows_dropped: loadTextContent('../query_pack/rows_dropped.kql')
  sign_ins: loadTextContent('../query_pack/sign_ins.kql')
  vault_failures: loadTextContent('../query_pack/vault_failures.kql')
  who_asked_for_customer: loadTextContent('../query_pack/who_asked_for_customer.kql')
  who_changed_what: loadTextContent('../query_pack/who_changed_what.kql')
}

resource pack 'Microsoft.OperationalInsights/queryPacks@2019-09-01' = {
  name: queryPackName
  location: location
  tags: tags
  properties: {}
}

resource queries 'Microsoft.OperationalInsights/queryPacks/queries@2019-09-01' = [for entry in catalogue: {
  parent: pack
  name: guid(pack.id, entry.query)
  properties: {
    displayName: entry.displayName
    description: entry.description
    body: texts[entry.query]
    related: {
      categories: [
        'monitor'
      ]
      resourceTypes: [
        'microsoft.operationalinsights/workspaces'
      ]
    }
    tags: {
      labels: entry.labels
    }
  }
}]
