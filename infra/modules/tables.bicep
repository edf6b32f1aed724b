// The custom tables, as infra/tables/*.json defines them.

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Table definitions: name, description, columns.')
param definitions object

@description('Days that the tables keep their rows.')
param retentionInDays int

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

// One after the other: a workspace takes one change of its schema at a time.
@batchSize(1)
resource tables 'Microsoft.OperationalInsights/workspaces/tables@2022-10-01' = [for definition in items(definitions): {
  parent: workspace
  name: definition.value.name
  properties: {
    plan: 'Analytics'
    retentionInDays: retentionInDays
    totalRetentionInDays: retentionInDays
    schema: {
      name: definition.value.name
      description: definition.value.description
      columns: definition.value.columns
    }
  }
}]
